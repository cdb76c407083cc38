internal import CURing
internal import Glibc

/// What can be asked of and done to an open socket. Does not own the descriptor.
package struct Socket {
  package let descriptor: Int32

  package init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// What takes its place. Nil: it is a socket of the kernel.
  var substitute: (any SocketSubstitute)? {
    guard descriptor >= Kernel.firstSubstituteDescriptor else { return nil }
    return Kernel.substitute?.socket(descriptor)
  }

  /// Makes a socket that does not block and that no started program inherits.
  static func open(family: Int32) throws(SystemError) -> Socket {
    if let substitute = Kernel.substitute { return Socket(try substitute.openSocket()) }
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family, type, 0)
    guard descriptor >= 0 else { throw .current("socket") }
    return Socket(descriptor)
  }

  /// Gives it an address. Returns errno, or 0.
  func bind(to address: SocketAddress, _ kernel: KernelSocketAddress) -> Int32 {
    if let substitute { return substitute.bind(to: address) }
    return unsafe kernel.withPointer { unsafe Glibc.bind(descriptor, $0, $1) } == 0 ? 0 : errno
  }

  /// Has connections wait at it. Returns errno, or 0.
  func listen(backlogCount: Int32) -> Int32 {
    if let substitute { return substitute.listen(backlogCount: Int(backlogCount)) }
    return Glibc.listen(descriptor, backlogCount) == 0 ? 0 : errno
  }

  /// Begins to connect. Returns errno, which is EINPROGRESS as a rule, or 0.
  func connect(to address: SocketAddress, _ kernel: KernelSocketAddress) -> Int32 {
    if let substitute { return substitute.connect(to: address) }
    return unsafe kernel.withPointer { unsafe Glibc.connect(descriptor, $0, $1) } == 0 ? 0 : errno
  }

  /// Whom it talks to.
  func peerAddress() throws(SystemError) -> SocketAddress {
    if let substitute { return try substitute.peerAddress() }
    var kernel = KernelSocketAddress()
    let result = unsafe kernel.withMutablePointer { unsafe getpeername(descriptor, $0, $1) }
    guard result == 0 else { throw .current("getpeername") }
    guard let address = kernel.address else {
      throw SystemError("getpeername", code: EAFNOSUPPORT)
    }
    return address
  }

  /// What it is bound to.
  func localAddress() throws(SystemError) -> SocketAddress {
    if let substitute { return substitute.localAddress }
    var kernel = KernelSocketAddress()
    let result = unsafe kernel.withMutablePointer { unsafe getsockname(descriptor, $0, $1) }
    guard result == 0 else { throw .current("getsockname") }
    guard let address = kernel.address else {
      throw SystemError("getsockname", code: EAFNOSUPPORT)
    }
    return address
  }

  /// Sets an option that has an Int32 for its value.
  func set(_ option: SocketOption, to value: Int32) throws(SystemError) {
    if let substitute { return substitute.set(option, to: value) }
    var value = value
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe setsockopt(descriptor, option.level, option.name, &value, size) == 0 else {
      throw .current("setsockopt \(option)")
    }
  }

  /// The value of an option that has an Int32.
  func value(of option: SocketOption) throws(SystemError) -> Int32 {
    if substitute != nil { return option == .type ? Int32(SOCK_STREAM.rawValue) : 0 }
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe getsockopt(descriptor, option.level, option.name, &value, &size) == 0 else {
      throw .current("getsockopt \(option)")
    }
    return value
  }

  /// The error that the socket has to report, which it then reports no more. 0: none.
  func takeError() -> Int32 {
    if let substitute { return substitute.takeError() }
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
  }

  /// Sends FIN behind what has been sent. Receiving goes on.
  func shutdownSending() {
    if let substitute { return substitute.shutdownSending() }
    _ = shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Ends the connection in both directions, with FIN or with RST, also for others who hold the
  /// socket. Returns how many system calls that took.
  func end(reset: Bool) -> UInt64 {
    if reset {
      // Sends RST, and ends what waits with ECONNRESET. SO_LINGER would have an effect only when
      // the last reference goes.
      var nowhere = sockaddr()
      nowhere.sa_family = sa_family_t(AF_UNSPEC)
      let size = socklen_t(MemoryLayout<sockaddr>.size)
      if unsafe Glibc.connect(descriptor, &nowhere, size) == 0 { return 1 }
    }
    _ = shutdown(descriptor, Int32(SHUT_RDWR))
    return reset ? 2 : 1
  }

  /// Makes the close that follows send RST and drop what the peer has not got yet. TCP only.
  func resetAtClose() {
    if let substitute { return substitute.resetAtClose() }
    var option = linger(l_onoff: 1, l_linger: 0)
    let size = socklen_t(MemoryLayout<linger>.size)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, size)
  }

  /// Sends FIN and gives the descriptor back. What has arrived is taken out first: else closing
  /// would send RST, which the peer takes for a failure.
  func closeOrderly() {
    shutdownSending()
    if let substitute { return substitute.close(afterDroppingInput: true) }
    // MSG_TRUNC: nothing is copied (tcp(7)).
    _ = recv(descriptor, nil, 1 << 20, Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC))
    close()
  }

  /// Gives the descriptor back.
  func close() {
    if let substitute { return substitute.close(afterDroppingInput: false) }
    // Linux frees the descriptor even when it answers EINTR (close(2)): never called twice.
    _ = Glibc.close(descriptor)
  }
}

/// A socket option with an Int32 for its value.
package enum SocketOption {
  case isAddressReusable
  case isPortShared
  case isIPv6Only
  case isUndelayed
  case isKeptAlive
  /// IP_BIND_ADDRESS_NO_PORT, Linux 4.2.
  case choosesPortWhenConnecting
  /// What kind of socket it is: SOCK_STREAM, …. To be read only.
  case type
  /// Bytes; the kernel doubles it, and stops tuning the buffer by itself.
  case receiveBufferByteCount
  /// Bytes; the kernel doubles it, and stops tuning the buffer by itself.
  case sendBufferByteCount

  var level: Int32 {
    switch self {
    case .isIPv6Only: Int32(IPPROTO_IPV6)
    case .isUndelayed: Int32(IPPROTO_TCP)
    case .choosesPortWhenConnecting: Int32(IPPROTO_IP)
    default: SOL_SOCKET
    }
  }

  var name: Int32 {
    switch self {
    case .isAddressReusable: SO_REUSEADDR
    case .isPortShared: SO_REUSEPORT
    case .isIPv6Only: IPV6_V6ONLY
    case .isUndelayed: TCP_NODELAY
    case .isKeptAlive: SO_KEEPALIVE
    case .choosesPortWhenConnecting: IP_BIND_ADDRESS_NO_PORT
    case .type: SO_TYPE
    case .receiveBufferByteCount: SO_RCVBUF
    case .sendBufferByteCount: SO_SNDBUF
    }
  }
}
