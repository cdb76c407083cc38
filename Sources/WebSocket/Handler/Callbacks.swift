public import WebSocketProtocol

/// A handler made of closures, for applications that are soon written. Those left nil do what
/// `WebSocketHandler` does by default.
public struct Callbacks<State>: WebSocketServerHandler {
  public typealias Event = @Sendable (Connection, inout State) -> Void

  /// A server's only. Must be set unless the state is `Void`.
  public var upgrade: (@Sendable (borrowing HTTPRequest, Connection) -> Upgrade<State>)?
  /// A server's only.
  public var respond: (@Sendable (borrowing HTTPRequest, Connection) -> HTTPResponse)?
  public var opened: Event?
  public var received: (@Sendable (Connection, borrowing IncomingMessage, inout State) -> Void)?
  public var receivedPing: (@Sendable (Connection, RawSpan, inout State) -> Void)?
  public var receivedPong: (@Sendable (Connection, RawSpan, inout State) -> Void)?
  public var drained: Event?
  public var lagged: (@Sendable (Connection, TopicGap, inout State) -> Void)?
  public var failed: (@Sendable (Connection, ConnectionError, inout State) -> Void)?
  public var closed: (@Sendable (Connection, Closure, inout State) -> Void)?

  public init() {}

  @inlinable
  public func upgrade(
    _ request: borrowing HTTPRequest, on connection: Connection
  ) -> Upgrade<State> {
    if let upgrade { return upgrade(request, connection) }
    guard let nothing = () as? State else {
      preconditionFailure("Callbacks.upgrade must be set: it makes the connection's state")
    }
    return .accept(nothing)
  }

  @inlinable
  public func respond(
    to request: borrowing HTTPRequest, on connection: Connection
  ) -> HTTPResponse {
    if let respond { return respond(request, connection) }
    return HTTPResponse(status: .upgradeRequired, text: "This is a WebSocket server.\n")
  }

  @inlinable
  public func opened(_ connection: Connection, state: inout State) {
    opened?(connection, &state)
  }

  @inlinable
  public func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout State
  ) {
    received?(connection, message, &state)
  }

  @inlinable
  public func receivedPing(_ payload: RawSpan, on connection: Connection, state: inout State) {
    receivedPing?(connection, payload, &state)
  }

  @inlinable
  public func receivedPong(_ payload: RawSpan, on connection: Connection, state: inout State) {
    receivedPong?(connection, payload, &state)
  }

  @inlinable
  public func drained(_ connection: Connection, state: inout State) {
    drained?(connection, &state)
  }

  @inlinable
  public func lagged(_ gap: TopicGap, on connection: Connection, state: inout State) {
    lagged?(connection, gap, &state)
  }

  @inlinable
  public func failed(_ error: ConnectionError, on connection: Connection, state: inout State) {
    failed?(connection, error, &state)
  }

  @inlinable
  public func closed(_ connection: Connection, _ closure: Closure, state: inout State) {
    closed?(connection, closure, &state)
  }
}
