public import WebSocketProtocol

/// What an application does with its connections.
///
/// One handler serves all connections of a server, from as many threads as there are reactors. All
/// calls for one connection come from one thread, its reactor's, one after the other, and none may
/// block. `State` is what the application keeps for each connection: it is stored with the
/// connection, without a box, and needs no lock.
public protocol WebSocketHandler: Sendable {
  associatedtype State

  /// Decides about an opening handshake: accept it with the connection's state, or refuse it with a
  /// response. The request is valid during the call. The connection cannot be sent to yet.
  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<State>

  /// Answers a request that is no opening handshake, such as a browser's for a page.
  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse

  /// The opening handshake is done.
  func opened(_ connection: Connection, state: inout State)

  /// A message has arrived.
  func received(_ message: borrowing IncomingMessage, on connection: Connection, state: inout State)

  /// A ping has arrived. The pong is sent by itself.
  func receivedPing(_ payload: RawSpan, on connection: Connection, state: inout State)

  /// A pong has arrived, asked for or not. Those to the server's own keep-alive pings, which are
  /// empty, too.
  func receivedPong(_ payload: RawSpan, on connection: Connection, state: inout State)

  /// All that waited to be sent has left, after a send answered `.backpressure` or `.dropped`, or
  /// after more than `QueueLimits.backpressureByteCount` had been waiting.
  func drained(_ connection: Connection, state: inout State)

  /// So many messages of a topic are not sent to the connection, by its policy (`LagPolicy`). What
  /// is sent to it in this call comes before the first message behind the gap.
  func lagged(_ topic: Topic, missedCount: Int, on connection: Connection, state: inout State)

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

extension WebSocketHandler {
  @inlinable
  public func respond(
    to request: borrowing HTTPRequest, on connection: Connection
  ) -> HTTPResponse {
    HTTPResponse(status: .upgradeRequired, text: "This is a WebSocket server.\n")
  }

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
  public func lagged(
    _ topic: Topic, missedCount: Int, on connection: Connection, state: inout State
  ) {}

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

extension WebSocketHandler where State == Void {
  /// Accepts every opening handshake.
  @inlinable
  public func upgrade(
    _ request: borrowing HTTPRequest, on connection: Connection
  ) -> Upgrade<Void> {
    .accept(())
  }
}
