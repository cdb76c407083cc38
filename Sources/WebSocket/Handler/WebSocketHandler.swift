/// What an application does with its connections: see `ConnectionLifecycle`. A server's handler is a
/// `WebSocketServerHandler`, which also decides who is let in.
public protocol WebSocketHandler: ConnectionLifecycle {
  /// A message has arrived.
  func received(_ message: borrowing IncomingMessage, on connection: Connection, state: inout State)
}
