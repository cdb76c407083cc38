internal import CURing
internal import Glibc
internal import Synchronization

/// How a listener is opened. What is said of connections is inherited by those it accepts, which
/// saves a system call for each.
public struct ListenerOptions: Sendable, Equatable {
  /// Connections that may wait to be accepted. The kernel clamps it to net.core.somaxconn.
  public var backlogCount: Int32 = 4096
  /// Whether several listeners share the address (SO_REUSEPORT), each with a backlog of its own,
  /// and the kernel spreads the connections over them. IP only.
  public var isPortShared = false
  /// Whether an IPv6 listener also takes IPv4 connections.
  public var isDualStack = true
  /// Whether connections send small segments at once (TCP_NODELAY).
  public var isUndelayed = true
  /// Whether the kernel probes connections that are silent (SO_KEEPALIVE).
  public var isKeptAlive = true
  /// Bytes of each connection's kernel receive buffer; nil: the kernel tunes it.
  public var receiveBufferByteCount: Int32?
  /// Bytes of each connection's kernel send buffer; nil: the kernel tunes it.
  public var sendBufferByteCount: Int32?

  public init() {}
}

/// A listening socket, non-blocking and close-on-exec.
final class Listener: Sendable {
  let descriptor: Int32
  /// What it is bound to: with the port that the kernel chose, if it was asked for port 0.
  let address: SocketAddress
  private let file: UnixSocketFile?
  private let isClosed = Atomic<Bool>(false)

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

  /// Closes the socket: clients in the backlog are refused. Removes the file of a Unix socket, if
  /// it is still this socket's.
  func close() {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    file?.remove()
    Socket(descriptor).close()
  }

  private static func openSocket(
    _ address: SocketAddress, _ options: ListenerOptions
  ) throws(SystemError) -> Socket {
    let kernel = try KernelSocketAddress(address)
    let socket = try Socket.open(family: Int32(kernel.storage.ss_family))
    do throws(SystemError) {
      try set(options, on: socket, address)
      var code = socket.bind(to: address, kernel)
      if code == 0 { code = socket.listen(backlogCount: options.backlogCount) }
      guard code == 0 else { throw bindError(code, address) }
    } catch {
      socket.close()
      throw error
    }
    return socket
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
      case EADDRINUSE: "Another socket listens there: stop its program, or choose another address."
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
