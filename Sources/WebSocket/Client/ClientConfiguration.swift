public import Reactor
public import WebSocketProtocol

/// Everything about a client that can be chosen. Every limit is here, with its unit and default.
public struct ClientConfiguration: Sendable {
  /// Threads (1), backend, coalescing window, direct descriptors, memory; and the queue of each
  /// connection.
  public var reactor: ReactorConfiguration = {
    var reactor = ReactorConfiguration()
    reactor.reactorCount = 1
    return reactor
  }()

  /// Attempts to connect that each reactor has under way at once: 1,024. The others wait for their
  /// turn: a listener's backlog has room for so many only (4,096 by Linux's default, often fewer),
  /// and what it has no room for takes seconds. Each needs an open file, too, until a direct
  /// descriptor takes its place; one to a name with several addresses that do not answer needs up
  /// to eight. At least 1.
  ///
  /// Those to one target, the URL's host and port or `DialOptions.address`, have their turns in
  /// their order, and targets take turns. No target has more than three times as many as it leaves
  /// free, alone three quarters of all, so that one that does not answer does not hold up the
  /// others.
  public var dialCountMax = 1_024

  /// Milliseconds that an attempt to connect may take from its turn until the opening handshake is
  /// done, resolving the name and trying all of its addresses included: 10 s.
  public var connectTimeoutMilliseconds = 10_000

  /// Milliseconds after which an attempt tries the next address of a name if the one before has not
  /// answered (the Connection Attempt Delay of RFC 8305): 250 ms, at least 10 ms, at most 2 s. If
  /// the one before has failed, the next one is tried at once, though never within 10 ms. Those
  /// that were tried before go on; the first one that is connected gets the request.
  ///
  /// An attempt tries up to eight addresses of a name, of IPv6 and IPv4 in turn, beginning with the
  /// one that the resolver has put first.
  public var connectionAttemptDelayMilliseconds = 250

  /// The most bytes of one message, over all its frames: 16 MiB. Beyond: 1009. Memory follows what
  /// has arrived, not what was declared.
  public var messageByteCountMax = 16 << 20

  /// The most bytes of one frame's payload. Nil: as many as of a message.
  public var frameByteCountMax: Int?

  /// The most payload bytes of a frame that is sent: 256 KiB. A longer message leaves in fragments of so many (RFC 6455
  /// §5.4), so that pings and pongs go between them and do not wait for all of it. At least 1; nil: never. What
  /// `Connection.sendFragment` and `sendFrame` send stays as it is.
  public var fragmentByteCountMax: Int? = 256 << 10

  /// Bytes and fields of a response's head: 16 KiB, 100.
  public var handshake = HandshakeLimits()

  /// Milliseconds without received bytes after which a ping is sent, and between one and the next:
  /// 30 s. 0: none is.
  public var pingIntervalMilliseconds = 30_000

  /// Milliseconds after which a silent connection is taken for dead: 120 s. 0: never. It is silent if
  /// nothing is received and the peer acknowledges nothing of what it is sent. Time in which this
  /// process stood still, and that in which receiving is paused, does not count.
  public var idleTimeoutMilliseconds = 120_000

  /// Milliseconds until the connection has ended, from the last byte that the peer has acknowledged
  /// once our close frame is sent: 5 s. In this time the peer has to answer it, if ours came first, and
  /// then to end TCP. See `ReactorConfiguration.sendTimeoutMilliseconds`.
  public var closeTimeoutMilliseconds = 5_000

  /// Asks for the addresses of a name; never blocks. Returns what can be withdrawn, nil if nothing
  /// can.
  package typealias Resolve =
    @Sendable (
      _ host: String, _ port: UInt16,
      _ answer: @escaping @Sendable (Result<[SocketAddress], SystemError>) -> Void
    ) -> NameInquiry?

  /// The system's resolver. Tests and simulations have one of their own.
  package var resolve: Resolve = { host, port, answer in
    SocketAddress.resolve(host, port: port, then: answer)
  }

  /// A configuration with all defaults.
  public init() {}
}
