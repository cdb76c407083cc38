public import WebSocketProtocol

/// What an application does with a server's connections: also who may have one.
public protocol WebSocketServerHandler: WebSocketHandler {
  /// Decides about an opening handshake: accept it with the connection's state, or refuse it with a
  /// response. The request is valid during the call. The connection cannot be sent to yet.
  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<State>

  /// Answers a request that is no opening handshake, such as a browser's for a page.
  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse
}

/// The answer to an opening handshake.
public enum Upgrade<State> {
  /// Accepts it.
  ///
  /// - Parameters:
  ///   - state: what the application keeps for this connection.
  ///   - subprotocol: one of those that the client has offered. If it is not, the handshake is
  ///     refused with 500.
  ///   - headers: to be added to the response.
  case accept(State, subprotocol: String? = nil, headers: HTTPHeaders = HTTPHeaders())
  /// Refuses it.
  case refuse(HTTPResponse)
}

extension WebSocketServerHandler {
  @inlinable
  public func respond(
    to request: borrowing HTTPRequest, on connection: Connection
  ) -> HTTPResponse {
    HTTPResponse(status: .upgradeRequired, text: "This is a WebSocket server.\n")
  }
}

extension WebSocketServerHandler where State == Void {
  /// Accepts every opening handshake.
  @inlinable
  public func upgrade(
    _ request: borrowing HTTPRequest, on connection: Connection
  ) -> Upgrade<Void> {
    .accept(())
  }
}
