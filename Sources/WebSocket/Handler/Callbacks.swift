public import WebSocketProtocol

/// A handler made of closures, for applications that are soon written. A closure that is nil does
/// nothing, except for `upgrade` and `respond`.
public struct Callbacks<State>: WebSocketServerHandler {
  public typealias Event = @Sendable (Connection, inout State) -> Void

  /// Decides about opening handshakes; a server's only. Nil: every handshake is accepted, which only a
  /// state that is `Void` allows. With another state, a server does not start without it.
  public var upgrade: (@Sendable (borrowing HTTPRequest, Connection) -> Upgrade<State>)?
  /// Answers requests that are no opening handshakes; a server's only. Nil:
  /// `HTTPResponse.upgradeRequired`.
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
    guard let nothing = () as? State else { Self.misuseUpgrade() }
    return .accept(nothing)
  }

  @inlinable
  public func respond(
    to request: borrowing HTTPRequest, on connection: Connection
  ) -> HTTPResponse {
    if let respond { return respond(request, connection) }
    return .upgradeRequired
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
  public func handle(_ event: ConnectionEvent, on connection: Connection, state: inout State) {
    switch event {
    case .ping(let payload): receivedPing?(connection, payload, &state)
    case .pong(let payload): receivedPong?(connection, payload, &state)
    case .drained: drained?(connection, &state)
    case .lagged(let gap): lagged?(connection, gap, &state)
    case .failed(let error): failed?(connection, error, &state)
    }
  }

  @inlinable
  public func closed(_ connection: Connection, _ closure: Closure, state: inout State) {
    closed?(connection, closure, &state)
  }
}

/// A handler that a server looks at before it starts.
@usableFromInline
protocol CheckedAtStart {
  /// Ends the process, with a text, if the handler cannot serve.
  func checkAtStart()
}

extension Callbacks: CheckedAtStart {
  @usableFromInline
  func checkAtStart() {
    if upgrade == nil, State.self != Void.self { Self.misuseUpgrade() }
  }

  @usableFromInline
  static func misuseUpgrade() -> Never {
    misuse(
      "Callbacks.upgrade is not set. It must be set, because it makes the state of each connection, "
        + "which is of type \(State.self).")
  }
}
