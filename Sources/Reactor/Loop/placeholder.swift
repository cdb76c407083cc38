/// A thread with an io_uring ring or an epoll set, and its shard of the connections.
public final class Reactor {
  /// Bytes in front of received bytes that the receiver may write to: room for what it kept from the
  /// read before, so that it always sees contiguous memory.
  public static let receiveHeadroom = 192
}
