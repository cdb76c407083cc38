/// How a group of reactors is run. Every limit is here, with its unit and default.
public struct ReactorConfiguration: Sendable {
  /// Reactor threads. Nil: as many as the process may use CPUs, by affinity and cgroup.
  public var reactorCount: Int?

  /// Whether each thread stays on one CPU. Off by default: a busy neighbour on that CPU would then
  /// hold its connections up.
  public var pinsThreads = false

  /// The kernel interface. The environment variable `MARTLET_BACKEND` overrides it.
  public var backend = BackendChoice.automatic

  /// Microseconds during which completions may gather while the reactor is busy: several times less
  /// CPU for each at a high rate, for that much more latency. 0, the default: none.
  public var coalescingWindowMicroseconds = 0

  /// Connections that one reactor may have at once. More go to a reactor that has room; when none
  /// has, they are closed as soon as they are accepted.
  public var connectionCountMax = 1 << 20

  /// Raises the process's soft limit of open files (RLIMIT_NOFILE) to the hard one. Off for a
  /// program that depends on the soft one, as those do that use select(2).
  public var raisesOpenFileLimit = true

  /// Descriptors that connections leave to the rest of the process; at most an eighth of the limit
  /// of open files. Clients wait in the backlog until one has come free. Without any, whatever
  /// opens a file fails, and Swift's own threads for tasks (libdispatch) end the process.
  public var reservedDescriptorCount = 64

  /// Holds connections as direct descriptors of the ring (io_uring, Linux 6.13), so that they do
  /// not count towards the process's open files. Then one reactor can have as many as the limit on
  /// open files allows at the most.
  public var usesDirectDescriptors = false

  /// How connections come to their reactor.
  public var distribution = Distribution.perReactorListener

  /// Bytes of one receive buffer of the ring: 4,096 by default. io_uring only.
  public var receiveBufferByteCount = 4096
  /// How many receive buffers the ring has: a power of two, 256 by default. io_uring only.
  public var receiveBufferCount = 256

  /// Bytes of the one buffer that all connections share with epoll, and those with large messages
  /// with io_uring.
  public var largeReceiveBufferByteCount = 512 * 1024

  /// What a connection may have waiting to be sent.
  public var queue = QueueLimits()

  /// Topics that a connection may be subscribed to at once, those on their way to its reactor included;
  /// `Int.max`: as many as it likes. Whoever lets clients name topics lets them have so many: each costs
  /// some 100 bytes, and more once something is published.
  public var subscriptionCountMax = 1024

  /// Seconds without received bytes after which a connection waits in the form that costs the
  /// kernel least memory.
  public var quiesceAfterSeconds = 30

  /// Milliseconds that the peer's FIN may take when a connection is finished, from when the peer has
  /// acknowledged the last byte.
  public var lingerMilliseconds = 5000

  /// Milliseconds without an acknowledged byte after which a connection that is ending is given up,
  /// although the peer has still to take some: 30 s.
  public var sendTimeoutMilliseconds = 30_000

  /// Bytes per second that a peer must acknowledge at least, to count as taking what it is sent: 240.
  /// So nobody holds a connection for ever by taking a byte now and then. 0: any byte counts.
  public var sendRateMin = 240

  /// Milliseconds that connections have to end when the group is stopped; what remains is then
  /// reset. Whoever waits for the end does so for two seconds more at most.
  public var stopMilliseconds = 5000

  /// Milliseconds that a reactor may be busy, without looking for anything new, before the log is
  /// told: its handler has blocked, and all its connections had to wait. 0: it is never told.
  public var slowPassMilliseconds = 1000

  /// Where a line goes at the start, which says which backend runs, and why; at most one a minute
  /// from a reactor that cannot accept, and one from a reactor that was held up; and one about each
  /// reactor that does not end. Any thread.
  public var log: @Sendable (String) -> Void = { _ in }

  /// How connections come to their reactor.
  public enum Distribution: Sendable {
    /// Each reactor has a listening socket of its own (SO_REUSEPORT); the kernel spreads new
    /// connections by a hash of the addresses.
    case perReactorListener
    /// One reactor accepts, and gives each connection to the one that has the fewest. Even, for a
    /// hand-over per connection. Unix sockets are always accepted so.
    case fewestConnections
  }

  /// The defaults that each property names.
  public init() {}
}
