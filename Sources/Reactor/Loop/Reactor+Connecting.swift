internal import CURing
internal import Glibc

/// How an outgoing connection's socket is made.
public struct ConnectingOptions: Sendable, Equatable {
  /// Where the connection comes from. With port 0 the kernel chooses one: it can then use each of
  /// its some 28,000 ports once for each remote address, and not once in all. Nil: the kernel
  /// chooses all.
  public var localAddress: SocketAddress?
  /// Whether small segments are sent at once (TCP_NODELAY).
  public var isUndelayed = true
  /// Whether the kernel probes the connection when it is silent (SO_KEEPALIVE).
  public var isKeptAlive = true
  /// Bytes of the kernel's receive buffer; nil: the kernel tunes it.
  public var receiveBufferByteCount: Int32?
  /// Bytes of the kernel's send buffer; nil: the kernel tunes it.
  public var sendBufferByteCount: Int32?

  /// Options with all defaults.
  public init() {}
}

// On the reactor's own thread.
extension Reactor {
  /// Begins to connect. `ConnectionHandler.connected` follows, or `closed` with what failed; both
  /// not from within this call. There is no time limit but what `setDeadline` sets.
  ///
  /// - Parameters:
  ///   - address: whom to connect to.
  ///   - options: for the socket.
  /// - Returns: the connection, which cannot be sent to yet.
  /// - Throws: what failed at once; then there is no connection.
  public func connect(
    to address: SocketAddress, options: ConnectingOptions = ConnectingOptions()
  ) throws(SystemError) -> ConnectionPointer {
    // Before the peer is made to accept what would be closed at once.
    try loop.checkRoom()
    let kernel = try KernelSocketAddress(address)
    let socket = try Socket.open(family: Int32(kernel.storage.ss_family))
    do throws(SystemError) {
      try loop.checkReserve(socket)
      try set(options, on: socket, isUnix: address.isUnix)
      state.value.statistics.systemCallCount &+= 5
      let code = socket.connect(to: address, kernel)
      // Interrupted by a signal it goes on by itself (connect(2)).
      guard code == 0 || code == EINPROGRESS || code == EINTR else {
        throw SystemError("connect to \(address)", code: code)
      }
      let own = try? socket.localAddress()
      try checkPeer(of: socket, own: own, address: address, kernel)
      return try loop.begin(socket, peer: address, own: own)
    } catch {
      socket.close()
      throw error
    }
  }

  /// Takes over a connected stream socket, as if it had been begun here: `connected` follows.
  ///
  /// - Parameter descriptor: closed with the connection; on failure it stays the caller's. It is
  ///   set to be non-blocking and close-on-exec, also for others who hold the socket. For them the
  ///   connection ends as well, but not with direct descriptors, which cannot be shut down: then
  ///   nobody else may hold it.
  /// - Returns: the connection, which cannot be sent to yet.
  /// - Throws: if it is no connected stream socket.
  public func adopt(_ descriptor: Int32) throws(SystemError) -> ConnectionPointer {
    let socket = Socket(descriptor)
    guard try socket.value(of: .type) == Int32(SOCK_STREAM.rawValue) else {
      throw SystemError("adopt a socket", code: EPROTOTYPE, advice: "It is no stream socket.")
    }
    let peer = try socket.peerAddress()
    try loop.checkReserve(socket)
    let own = try? socket.localAddress()
    state.value.statistics.systemCallCount &+= 1
    guard socket.substitute == nil else { return try loop.begin(socket, peer: peer, own: own) }
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0,
      fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
    else { throw .current("fcntl") }
    return try loop.begin(socket, peer: peer, own: own, isAdopted: true)
  }

  /// Closes a descriptor that is nobody's connection. Any thread.
  package static func close(_ descriptor: Int32) {
    Socket(descriptor).close()
  }

  private var loop: ReactorLoop {
    guard let loop = ReactorLoop.current, loop.reactor === self else {
      misuse("Reactor.connect and Reactor.adopt must be called on the reactor's own thread.")
    }
    return loop
  }

  /// TCP lets a socket connect to itself, if the kernel happens to choose the port for it that it is
  /// to connect to, and nobody listens there (RFC 9293 §3.5, simultaneous open).
  private func checkPeer(
    of socket: Socket, own: SocketAddress?, address: SocketAddress, _ kernel: KernelSocketAddress
  ) throws(SystemError) {
    guard own?.connectsToItself(at: kernel.address ?? address) ?? false else { return }
    // Else it would be in TIME_WAIT, and whoever is to listen there could not bind.
    socket.resetAtClose()
    throw SystemError(
      "connect to \(address)", code: ECONNREFUSED,
      advice: "Nobody listens there: it would have connected to itself.")
  }

  private func set(
    _ options: ConnectingOptions, on socket: Socket, isUnix: Bool
  ) throws(SystemError) {
    if let count = options.receiveBufferByteCount {
      try socket.set(.receiveBufferByteCount, to: count)
    }
    if let count = options.sendBufferByteCount { try socket.set(.sendBufferByteCount, to: count) }
    if !isUnix, options.isUndelayed { try socket.set(.isUndelayed, to: 1) }
    if !isUnix, options.isKeptAlive { try socket.set(.isKeptAlive, to: 1) }
    guard let local = options.localAddress else { return }
    // Else bind would already take a port, and each only once.
    if local.port == 0 { try socket.set(.choosesPortWhenConnecting, to: 1) }
    let kernel = try KernelSocketAddress(local)
    let code = socket.bind(to: local, kernel)
    guard code == 0 else { throw SystemError("bind to \(local)", code: code) }
  }
}
