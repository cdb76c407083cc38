public import Reactor
public import WebSocketProtocol

/// Everything about a server that can be chosen. Every limit is here, with its unit and default.
public struct ServerConfiguration: Sendable {
  /// Where to listen. Port 0: the kernel chooses one; `Server.addresses` has it.
  public var addresses: [SocketAddress]

  /// Options of the listening sockets: backlog, dual stack, TCP_NODELAY (on), keep-alive, buffer
  /// sizes.
  public var listener = ListenerOptions()

  /// Threads, backend, coalescing window, direct descriptors, memory; and the queue of each
  /// connection: how much may wait to be sent (1 MiB), and what happens beyond that (the connection
  /// is closed with 1013).
  public var reactor = ReactorConfiguration()

  /// The most bytes of one message, over all its frames: 16 MiB. Beyond: 1009. Memory follows what
  /// has arrived, not what was declared.
  public var messageByteCountMax = 16 << 20

  /// The most bytes of one frame's payload. Nil: as many as of a message.
  public var frameByteCountMax: Int?

  /// The most payload bytes of a frame that is sent: 256 KiB. A longer message leaves in fragments of so many (RFC 6455
  /// §5.4), so that pings and pongs go between them and do not wait for all of it. At least 1; nil: never. What
  /// `Connection.sendFragment` and `sendFrame` send stays as it is, and so do the messages of topics.
  public var fragmentByteCountMax: Int? = 256 << 10

  /// Bytes and fields of a request's head, and bytes of its target: 16 KiB, 100, 8,000. Beyond: 431,
  /// 414.
  public var handshake = HandshakeLimits()

  /// Milliseconds from the connection's acceptance until its request is complete: 10 s. Then 408.
  public var handshakeTimeoutMilliseconds = 10_000

  /// Milliseconds without received bytes after which a ping is sent, and between one and the next:
  /// 30 s. 0: none is.
  public var pingIntervalMilliseconds = 30_000

  /// Milliseconds after which a silent connection is taken for dead: 120 s. 0: never. It is silent if
  /// nothing is received and the peer acknowledges nothing of what it is sent. Time in which this
  /// process stood still, and that in which receiving is paused, does not count.
  public var idleTimeoutMilliseconds = 120_000

  /// Milliseconds that the peer may take to answer our close frame, from the last byte that it has
  /// acknowledged: 5 s. As long as it takes what stands before the close frame, the time does not run;
  /// see `ReactorConfiguration.sendTimeoutMilliseconds`.
  public var closeTimeoutMilliseconds = 5_000

  /// Which origins a browser's page may come from. Nil: any, and none needed; what the handler
  /// checks by itself comes on top of it. Beyond: 403.
  public var origins: OriginPolicy?

  /// The defaults that each property names, at these addresses. Port 0: the kernel chooses one (`Server.addresses`).
  public init(addresses: [SocketAddress]) {
    self.addresses = addresses
  }

  /// Listens on one port: of this machine only, unless `host` says otherwise ("0.0.0.0", "::", a
  /// name or an address). A name is listened on at all its addresses that this machine has: for
  /// "localhost" these are ::1 and 127.0.0.1, as a rule. They have the same port, also if `port` is 0.
  ///
  /// Asks the system's resolver for a name, and blocks meanwhile.
  /// - Throws: if the name is not known.
  public init(port: UInt16, host: String = "127.0.0.1") throws(SystemError) {
    try self.init(port: port, host: host, resolve: SocketAddress.resolve)
  }

  init(
    port: UInt16, host: String,
    resolve: (String, UInt16) throws(SystemError) -> [SocketAddress]
  ) throws(SystemError) {
    addresses = []
    // A hosts file may say the same twice.
    for address in try resolve(host, port) where !addresses.contains(address) {
      addresses.append(address)
    }
    listener.isOneHost = addresses.count > 1
  }
}
