/// What became of a send. It never blocks, and never loses anything without saying so.
public enum SendResult: Sendable, Equatable {
  /// It will be sent. From another thread than the connection's own: as far as could be seen from there; a `completion`
  /// tells of the rest.
  case accepted
  /// It will be sent, but much is waiting already: the peer reads more slowly than it is sent to.
  /// `WebSocketHandler.drained` says when all has left.
  case backpressure
  /// It is lost: the queue is full, and the policy does not take more.
  case dropped
  /// It is lost: the connection has ended, its close frame has been sent, or (for a message) a fragmented message is being
  /// sent.
  case closed
}
