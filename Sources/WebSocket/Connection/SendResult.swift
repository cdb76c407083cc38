/// What became of a send. It never blocks, and never loses anything without saying so.
public enum SendResult: Sendable, Equatable {
  /// It will be sent.
  case accepted
  /// It will be sent, but much is waiting already: the peer reads more slowly than it is sent to.
  /// `WebSocketHandler.drained` says when all has left.
  case backpressure
  /// It is lost: the queue is full, and the policy does not take more.
  case dropped
  /// It is lost: the connection has ended, or its close frame has been sent.
  case closed
}
