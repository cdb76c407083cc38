/// A thread with an io_uring ring or an epoll set, and its connections.
public enum Backend {}
