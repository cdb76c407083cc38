import ExampleSupport
import WebSocket

/// Sends every message back, and serves a page that does the same by hand.
struct Echo: WebSocketServerHandler {
  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<Void> {
    .accept(())
  }

  func opened(_ connection: Connection, state: inout Void) {}

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Void
  ) {
    connection.send(message)
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    HTTPResponse(page: Page.html, to: request)
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Void) {}

  func closed(_ connection: Connection, _ closure: Closure, state: inout Void) {}
}
