/// What an application does with its connections.
///
/// One handler serves all connections of a server or a client, from as many threads as there are reactors. All
/// calls for one connection come from one thread, its reactor's, one after the other, and none may
/// block. `State` is what the application keeps for each connection: it is stored with the
/// connection, without a box, and needs no lock.
public protocol WebSocketHandler: Sendable {
  associatedtype State

  /// The opening handshake is done.
  func opened(_ connection: Connection, state: inout State)

  /// A message has arrived.
  func received(_ message: borrowing IncomingMessage, on connection: Connection, state: inout State)

  /// A ping has arrived. The pong is sent by itself.
  func receivedPing(_ payload: RawSpan, on connection: Connection, state: inout State)

  /// A pong has arrived, asked for or not. Those to our own keep-alive pings, which are empty,
  /// too.
  func receivedPong(_ payload: RawSpan, on connection: Connection, state: inout State)

  /// All that waited to be sent has left, after a send answered `.backpressure` or `.dropped`, or
  /// after more than `QueueLimits.backpressureByteCount` had been waiting. If another thread sends, it
  /// may be called before that call has returned there.
  func drained(_ connection: Connection, state: inout State)

  /// Messages of a topic are not sent to the connection: by its policy (`LagPolicy`), or, with a
  /// `TopicGap.missedCount` of 0, because they exclude it. What is sent to it in this call comes behind
  /// the last message before the gap, and before the first one behind it.
  func lagged(_ gap: TopicGap, on connection: Connection, state: inout State)

  /// The connection has failed. `closed` follows.
  func failed(_ error: ConnectionError, on connection: Connection, state: inout State)

  /// The connection has ended: called exactly once for each one `opened`, and the last call for it.
  func closed(_ connection: Connection, _ closure: Closure, state: inout State)

  /// Whether `receivedFrame` is called instead of all the defaults: no pongs, no reassembly, no
  /// answer to close frames, no check but that of lengths and masks. For those who want to do the
  /// protocol themselves. The connection ends when the peer's close frame has arrived and
  /// `Connection.close` was called, in either order.
  static var handlesFrames: Bool { get }

  /// A frame has arrived, whole. Called only with `handlesFrames`.
  func receivedFrame(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: inout State)
}

extension WebSocketHandler {
  @inlinable
  public func opened(_ connection: Connection, state: inout State) {}

  @inlinable
  public func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout State
  ) {}

  @inlinable
  public func receivedPing(_ payload: RawSpan, on connection: Connection, state: inout State) {}

  @inlinable
  public func receivedPong(_ payload: RawSpan, on connection: Connection, state: inout State) {}

  @inlinable
  public func drained(_ connection: Connection, state: inout State) {}

  @inlinable
  public func lagged(_ gap: TopicGap, on connection: Connection, state: inout State) {}

  @inlinable
  public func failed(_ error: ConnectionError, on connection: Connection, state: inout State) {}

  @inlinable
  public func closed(_ connection: Connection, _ closure: Closure, state: inout State) {}

  @inlinable
  public static var handlesFrames: Bool { false }

  @inlinable
  public func receivedFrame(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: inout State
  ) {}
}
