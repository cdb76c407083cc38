public import WebSocketProtocol

/// A handler made of closures, for applications that are soon written. A closure that is nil does
/// nothing, except for `upgrade` and `respond`.
public struct Callbacks<State>: WebSocketServerHandler {
  /// Something that happens to a connection. Its state is the handler's to change during the call. On the reactor's thread.
  public typealias Event = @Sendable (Connection, inout State) -> Void

  /// Decides about opening handshakes; a server's only. Nil: every handshake is accepted, which only a
  /// state that is `Void` allows. With another state, a server does not start without it.
  public var upgrade: (@Sendable (borrowing HTTPRequest, Connection) -> Upgrade<State>)?
  /// Answers requests that are no opening handshakes; a server's only. Nil:
  /// `HTTPResponse.upgradeRequired`.
  public var respond: (@Sendable (borrowing HTTPRequest, Connection) -> HTTPResponse)?
  /// The opening handshake is done: messages can be sent.
  public var opened: Event?
  /// A whole message has arrived. It is valid during the call only: copy what is to be kept.
  public var received: (@Sendable (Connection, borrowing IncomingMessage, inout State) -> Void)?
  /// A ping has arrived, with up to 125 bytes. The pong has been sent (RFC 6455 §5.5.2).
  public var receivedPing: (@Sendable (Connection, RawSpan, inout State) -> Void)?
  /// A pong has arrived, with the bytes of the ping that it answers, if it answers one (RFC 6455 §5.5.3).
  public var receivedPong: (@Sendable (Connection, RawSpan, inout State) -> Void)?
  /// All that waited to be sent has left, after a send was answered with `.backpressure` or `.dropped`.
  public var drained: Event?
  /// Messages of a topic are not sent to this subscriber, since it reads too slowly: how many, and where it goes on.
  public var lagged: (@Sendable (Connection, TopicGap, inout State) -> Void)?
  /// The peer broke the protocol, or a limit was exceeded: the connection is being closed. `closed` follows.
  public var failed: (@Sendable (Connection, ConnectionError, inout State) -> Void)?
  /// The connection has ended. Called last, once for each `opened`.
  public var closed: (@Sendable (Connection, Closure, inout State) -> Void)?

  /// All closures nil.
  public init() {}

  /// Calls `upgrade`. Without it, every handshake is accepted, which needs a state that is `Void`.
  @inlinable
  public func upgrade(
    _ request: borrowing HTTPRequest, on connection: Connection
  ) -> Upgrade<State> {
    if let upgrade { return upgrade(request, connection) }
    guard let nothing = () as? State else { Self.misuseUpgrade() }
    return .accept(nothing)
  }

  /// Calls `respond`. Without it, the answer is `HTTPResponse.upgradeRequired`.
  @inlinable
  public func respond(
    to request: borrowing HTTPRequest, on connection: Connection
  ) -> HTTPResponse {
    if let respond { return respond(request, connection) }
    return .upgradeRequired
  }

  /// Calls `opened`.
  @inlinable
  public func opened(_ connection: Connection, state: inout State) {
    opened?(connection, &state)
  }

  /// Calls `received`.
  @inlinable
  public func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout State
  ) {
    received?(connection, message, &state)
  }

  /// Calls the closure for this event.
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

  /// Calls `closed`.
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
