/// The kernel interfaces a reactor can run on.
public enum BackendKind: String, Sendable, CaseIterable {
  /// io_uring, Linux 6.1 or newer.
  case ioURing = "io_uring"
  /// epoll, any Linux.
  case epoll
}
