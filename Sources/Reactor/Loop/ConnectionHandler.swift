/// What happens to the bytes of a reactor's connections: the protocol. One for each reactor, made
/// on its thread and called only there.
///
/// From within a call it may send, finish, abort, set deadlines: on any of the reactor's
/// connections.
public protocol ConnectionHandler: AnyObject {
  /// A connection was accepted on the listener with this position in the configuration. It can be
  /// sent to.
  func accepted(_ connection: ConnectionPointer, listener: Int)

  /// A connection that `Reactor.connect` or `Reactor.adopt` began has been made. It can be sent to.
  func connected(_ connection: ConnectionPointer)

  /// Bytes have arrived: never none. They may be changed, and so may `Reactor.receiveHeadroom`
  /// bytes in front of them; both are valid during the call only.
  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer)

  /// The peer will send no more (FIN). Called at most once; sending is still possible.
  func receiveEnded(on connection: ConnectionPointer)

  /// The send queue has run empty, after `Reactor.reportBackpressure`.
  func drained(_ connection: ConnectionPointer)

  /// The deadline has come. Another may be set.
  func expired(_ connection: ConnectionPointer)

  /// What `Reactor.awaitAnswer` waited for has not come. Another deadline may be set.
  func sendingExpired(_ condition: ConnectionCondition, on connection: ConnectionPointer)

  /// The answer to `Reactor.examine`.
  func examined(_ condition: ConnectionCondition, on connection: ConnectionPointer)

  /// Something that another thread posted to this connection. To be enqueued or discarded.
  func posted(_ chunk: PostedChunk, on connection: ConnectionPointer)

  /// Messages of a topic are not sent to a connection: what it is sent of the topic from now on lies
  /// behind them, and what it is sent in this call before that.
  func skipped(_ gap: LogGap, of log: TopicLog, on connection: ConnectionPointer)

  /// A connection lags further behind a topic than its policy allows, which is to close it.
  func lagged(behind log: TopicLog, on connection: ConnectionPointer)

  /// The connection has gone, or was never made; its pointer is not valid after this. Called once
  /// for each one accepted or begun.
  func closed(_ connection: ConnectionPointer, error: SystemError?)

  /// The group is stopping: each connection should be ended. Those still there after
  /// `ReactorConfiguration.stopMilliseconds` are reset.
  func stopping()
}

extension ConnectionHandler {
  /// Does nothing: for handlers that make no connections.
  public func connected(_ connection: ConnectionPointer) {}

  /// Does nothing: for handlers that do not call `Reactor.awaitAnswer`.
  public func sendingExpired(
    _ condition: ConnectionCondition, on connection: ConnectionPointer
  ) {}

  /// Does nothing: for handlers that do not call `Reactor.examine`.
  public func examined(_ condition: ConnectionCondition, on connection: ConnectionPointer) {}

  /// Does nothing: for handlers without topics.
  public func skipped(_ gap: LogGap, of log: TopicLog, on connection: ConnectionPointer) {}
}
