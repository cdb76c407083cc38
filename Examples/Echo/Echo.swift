import WebSocket

/// Sends every message back, and serves a page that does the same by hand.
struct Echo: WebSocketHandler {
  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Void
  ) {
    connection.send(message)
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    guard request.hasPath("/") else {
      return HTTPResponse(status: .notFound, text: "There is a page at /.\n")
    }
    guard request.isGET || request.isHEAD else {
      return HTTPResponse(status: .methodNotAllowed, text: "Use GET.\n")
    }
    return HTTPResponse(
      status: .ok, contentType: "text/html; charset=utf-8", body: Array(Page.html.utf8))
  }
}
