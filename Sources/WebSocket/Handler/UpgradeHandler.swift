public import WebSocketProtocol

/// Who may have a connection to a server, and what everybody else is answered.
public protocol UpgradeHandler: ConnectionLifecycle {
  /// Decides about an opening handshake: accept it with the connection's state, or refuse it with a
  /// response. The request is valid during the call. The connection cannot be sent to yet.
  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<State>

  /// Answers a request that is no opening handshake, such as a browser's for a page. A server without
  /// pages answers `.upgradeRequired`.
  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse
}

/// What an application does with a server's connections: `upgrade`, `respond`, `opened`, `received`,
/// `handle` and `closed`.
public typealias WebSocketServerHandler = WebSocketHandler & UpgradeHandler

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
