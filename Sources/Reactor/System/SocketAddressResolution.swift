internal import CURing
internal import Glibc

extension SocketAddress {
  /// The addresses that a host name or written address stands for, in the order to be tried. Asks
  /// the system's resolver and blocks meanwhile: for starting listeners, never on a reactor's
  /// thread.
  public static func resolve(_ host: String, port: UInt16) throws(SystemError) -> [SocketAddress] {
    if let address = parse(host, port: port) { return [address] }
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let result = unsafe getaddrinfo(host, nil, &hints, &list)
    guard result == 0 else { throw resolutionError(host, result) }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      if let address = unsafe SocketAddress(entry.pointee.ai_addr, port: port) {
        addresses.append(address)
      }
      unsafe next = entry.pointee.ai_next
    }
    guard !addresses.isEmpty else { throw SystemError.unresolved(host, "it has no address") }
    return addresses
  }

  private init?(_ pointer: UnsafeMutablePointer<sockaddr>?, port: UInt16) {
    guard let pointer = unsafe pointer else { return nil }
    let memory = UnsafeRawPointer(pointer)
    switch unsafe Int32(pointer.pointee.sa_family) {
    case AF_INET:
      let form = unsafe memory.loadUnaligned(as: sockaddr_in.self)
      self = .ipv4(UInt32(bigEndian: form.sin_addr.s_addr), port: port)
    case AF_INET6:
      let form = unsafe memory.loadUnaligned(as: sockaddr_in6.self)
      let number = unsafe withUnsafeBytes(of: form.sin6_addr) { bytes in
        unsafe UInt128(bigEndian: bytes.loadUnaligned(as: UInt128.self))
      }
      self = .ipv6(number, port: port, scope: form.sin6_scope_id)
    default:
      return nil
    }
  }

  /// getaddrinfo has error codes of its own, for which errno has no word.
  private static func resolutionError(_ host: String, _ result: Int32) -> SystemError {
    if result == EAI_SYSTEM { return .current("resolve \(host)") }
    return unsafe .unresolved(host, String(cString: gai_strerror(result)))
  }
}
