public import WebSocket

extension HTTPResponse {
  /// The answer to a browser that asks a server whose only page is at `/`.
  public init(page html: String, to request: borrowing HTTPRequest) {
    guard request.hasPath("/") else {
      self.init(status: .notFound, text: "There is a page at /.\n")
      return
    }
    guard request.isGET || request.isHEAD else {
      self.init(status: .methodNotAllowed, text: "Use GET.\n")
      return
    }
    self.init(status: .ok, contentType: "text/html; charset=utf-8", body: Array(html.utf8))
  }
}
