/// What every handler is told of a connection, whether it takes messages (`WebSocketHandler`) or
/// frames (`FrameHandler`).
///
/// One handler serves all connections of a server or a client, from as many threads as there are
/// reactors. All calls for one connection come from one thread, its reactor's, one after the other,
/// and none may block. `State` is what the application keeps for each connection: it is stored with
/// the connection, without a box, and needs no lock.
///
/// No requirement of a handler has a default implementation: a function with nearly the right name or
/// type is a compile error, not a function that is never called.
public protocol ConnectionLifecycle: Sendable {
  associatedtype State

  /// The opening handshake is done.
  func opened(_ connection: Connection, state: inout State)

  /// Something has happened that is rarer than a message. A handler that is interested in none of
  /// it has an empty body.
  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout State)

  /// The connection has ended: called exactly once for each one `opened`, and the last call for it.
  func closed(_ connection: Connection, _ closure: Closure, state: inout State)
}

/// What happens to a connection besides its messages.
///
/// Valid only during the call it is given to, since a payload is a view of the receive buffer: the
/// compiler refuses to let it escape. Later versions may add cases: a `switch` that does not need all
/// of them ends with `default: break`.
public enum ConnectionEvent: ~Escapable {
  /// A ping has arrived, with its payload. The engine answers it with a pong itself, unless the
  /// handler takes frames.
  case ping(RawSpan)

  /// A pong has arrived, with its payload, whether this end asked for it or not. The pongs that
  /// answer the engine's own keep-alive pings, whose payload is empty, arrive here, too.
  case pong(RawSpan)

  /// All that waited to be sent has left, after a send answered `.backpressure` or `.dropped`, or
  /// after more than `QueueLimits.backpressureByteCount` had been waiting. If another thread sends,
  /// it may come before that call has returned there.
  case drained

  /// Messages of a topic are not sent to the connection: by its policy (`LagPolicy`), or, with a
  /// `TopicGap.missedCount` of 0, because they exclude it. What is sent to it in this call comes behind
  /// the last message before the gap, and before the first one behind it.
  case lagged(TopicGap)

  /// The connection has failed. `closed` follows.
  case failed(ConnectionError)
}
