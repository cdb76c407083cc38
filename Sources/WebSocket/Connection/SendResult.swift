/// What became of a send. It never blocks.
///
/// On the thread of the connection's reactor this is the queue's decision, unless the connection is
/// subscribed to topics. Then, and from any other thread, it is the answer of the moment: the
/// reactor decides when the message arrives there. What is lost afterwards, by that, by a policy
/// that drops what waits, or by the connection's end, is told to the completion only.
public enum SendResult: Sendable, Equatable {
  /// It waits to be sent.
  case accepted
  /// It waits to be sent, behind much else: the peer reads more slowly than it is sent to.
  /// `ConnectionEvent.drained` says when all has left.
  case backpressure
  /// It is lost: the queue is full, and the policy does not take more. On another thread than the
  /// reactor's, under any policy: what has been posted and has not reached the reactor is as much as
  /// `QueueLimits.byteCountMax`. The connection goes on, and `ConnectionEvent.drained` follows.
  case dropped
  /// It is lost: the connection has ended, its close frame has been sent, or (for a message) a
  /// fragmented message is being sent.
  case closed
}
