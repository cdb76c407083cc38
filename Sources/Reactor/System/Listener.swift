internal import CURing
internal import Glibc

/// How a listener is opened. What is said of connections is inherited by those it accepts, which
/// saves a system call for each.
public struct ListenerOptions: Sendable, Equatable {
  /// Connections that may wait to be accepted. The kernel clamps it to net.core.somaxconn.
  public var backlogCount: Int32 = 4096
  /// Whether other servers of the same user, in this process or another, may listen at the same
  /// address (SO_REUSEPORT), if they permit it as well; the kernel spreads the connections over all
  /// of them. If not, a second server at the address fails with EADDRINUSE. IP only.
  ///
  /// The listeners of a server's own reactors share the address in any case. A program that asks for
  /// sharing can therefore join a server that has several, although that one has not asked for it.
  public var isPortShared = false
  /// Whether an IPv6 listener also takes IPv4 connections. One at `::` does not if the server also
  /// listens at 0.0.0.0 and the same port.
  public var isDualStack = true
  /// Whether the addresses belong to one name, as `ServerConfiguration.init(port:host:)` says: port 0
  /// then becomes the same port at all of them, and those that this machine does not have are passed
  /// over as long as it has one.
  public var isOneHost = false
  /// Permissions of a Unix socket's file, such as 0o660: who may write to it may connect. Nil: 0o777
  /// without what the process's umask takes away. Nobody can connect before they are set.
  public var unixSocketMode: UInt16?
  /// User that a Unix socket's file is given to. Nil: it stays the process's. Needs CAP_CHOWN.
  public var unixSocketOwner: UInt32?
  /// Group that a Unix socket's file is given to: one that the process belongs to, or any with
  /// CAP_CHOWN. Nil: the one that the file system gives it.
  public var unixSocketGroup: UInt32?
  /// Whether connections send small segments at once (TCP_NODELAY).
  public var isUndelayed = true
  /// Whether the kernel probes connections that are silent (SO_KEEPALIVE).
  public var isKeptAlive = true
  /// Bytes of each connection's kernel receive buffer; nil: the kernel tunes it.
  public var receiveBufferByteCount: Int32?
  /// Bytes of each connection's kernel send buffer; nil: the kernel tunes it.
  public var sendBufferByteCount: Int32?

  /// The defaults that each property names.
  public init() {}
}

/// A listening socket, non-blocking and close-on-exec.
final class Listener: Sendable {
  let descriptor: Int32
  /// What it is bound to: with the port that the kernel chose, if it was asked for port 0.
  let address: SocketAddress
  private let file: UnixSocketFile?
  private let state = ConditionLock(State.open)

  private enum State {
    case open
    /// The descriptor is still ours, and names something that nobody can connect to.
    case withdrawn
    case closed
  }

  private init(_ socket: Socket, address: SocketAddress, file: UnixSocketFile?) {
    descriptor = socket.descriptor
    self.address = address
    self.file = file
  }

  /// Opens a socket that connections to `address` wait at. A Unix socket's file that nobody listens
  /// at any more is replaced.
  static func open(
    _ address: SocketAddress, options: ListenerOptions = ListenerOptions()
  ) throws(SystemError) -> Listener {
    if case .unixPath(let path) = address {
      return try UnixSocketFile.replacing(path) { () throws(SystemError) in
        let socket = try openSocket(address, options)
        return Listener(socket, address: address, file: UnixSocketFile(path))
      }
    }
    let socket = try openSocket(address, options)
    do throws(SystemError) {
      return Listener(socket, address: try socket.localAddress(), file: nil)
    } catch {
      socket.close()
      throw error
    }
  }

  /// From now on others may share the port that this one alone has had.
  ///
  /// To be bound and to listen without SO_REUSEPORT first is what keeps two servers from sharing a
  /// port: of several that try at once, one at most succeeds.
  func sharePort() throws(SystemError) {
    try Socket(descriptor).set(.isPortShared, to: 1)
  }

  /// Closes the socket: clients in the backlog are refused. Removes the file of a Unix socket, if
  /// it is still this socket's.
  func close() {
    state.withLock { state in
      guard state != .closed else { return }
      if state == .open { file?.remove() }
      state = .closed
      Socket(descriptor).close()
    }
  }

  /// Has nobody listen any more, as `close`, but leaves the number of the descriptor taken until
  /// `close`, by the open file `placeholder`: a reactor that is stuck may be about to accept on it,
  /// and must not find whatever has been opened under that number since.
  func withdraw(placeholder: Int32) {
    state.withLock { state in
      guard state == .open else { return }
      state = .withdrawn
      file?.remove()
      // An operation of io_uring holds the socket beyond its descriptor, but not its listening.
      _ = shutdown(descriptor, Int32(SHUT_RDWR))
      _ = martlet_replace_descriptor(placeholder, descriptor)
    }
  }

  /// Whether `withdraw` has been called, and `close` not yet. Any thread.
  var isWithdrawn: Bool { state.withLock { $0 == .withdrawn } }

  private static func openSocket(
    _ address: SocketAddress, _ options: ListenerOptions
  ) throws(SystemError) -> Socket {
    let kernel = try KernelSocketAddress(address)
    let socket = try Socket.open(family: Int32(kernel.storage.ss_family))
    do throws(SystemError) {
      try set(options, on: socket, address)
      let code = socket.bind(to: address, kernel)
      guard code == 0 else { throw bindError(code, address) }
      try listen(socket, address, options)
    } catch {
      socket.close()
      throw error
    }
    return socket
  }

  /// Has connections wait at a socket that is bound. Before that a Unix socket refuses them, whatever
  /// its file permits.
  private static func listen(
    _ socket: Socket, _ address: SocketAddress, _ options: ListenerOptions
  ) throws(SystemError) {
    var path: String?
    if case .unixPath(let name) = address, socket.substitute == nil { path = name }
    do throws(SystemError) {
      if let path { try UnixSocketFile.set(options, at: path) }
      let code = socket.listen(backlogCount: options.backlogCount)
      guard code == 0 else { throw bindError(code, address) }
    } catch {
      if let path { UnixSocketFile(path)?.remove() }
      throw error
    }
  }

  private static func set(
    _ options: ListenerOptions, on socket: Socket, _ address: SocketAddress
  ) throws(SystemError) {
    if let count = options.receiveBufferByteCount {
      try socket.set(.receiveBufferByteCount, to: count)
    }
    if let count = options.sendBufferByteCount { try socket.set(.sendBufferByteCount, to: count) }
    guard !address.isUnix else { return }
    // Else a restarted server could not bind while connections of the one before are in TIME_WAIT.
    try socket.set(.isAddressReusable, to: 1)
    if options.isPortShared { try socket.set(.isPortShared, to: 1) }
    if options.isUndelayed { try socket.set(.isUndelayed, to: 1) }
    if options.isKeptAlive { try socket.set(.isKeptAlive, to: 1) }
    if case .ipv6 = address { try socket.set(.isIPv6Only, to: options.isDualStack ? 0 : 1) }
  }

  private static func bindError(_ code: Int32, _ address: SocketAddress) -> SystemError {
    let advice: String? =
      switch code {
      case EADDRINUSE:
        "Another socket listens there: stop its program, or choose another address or port."
      case EACCES where address.isUnix: "The directory must be writable."
      case EACCES:
        "Ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE: choose a higher one."
      case EADDRNOTAVAIL: "No network interface of this machine has this address."
      case EAFNOSUPPORT: "This machine has no IPv6: choose an IPv4 address."
      case ENOENT, ENOTDIR: "The directory does not exist."
      default: nil
      }
    return SystemError("listen at \(address)", code: code, advice: advice)
  }

  /// Whether an error of accept concerns the one client that has gone meanwhile: accept(2) passes
  /// on what its network has reported.
  static func isOfOneClient(_ code: Int32) -> Bool {
    switch code {
    case EINTR, ECONNABORTED, EPERM, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET,
      EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT:
      true
    default: false
    }
  }
}
