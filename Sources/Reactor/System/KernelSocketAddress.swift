internal import CURing
internal import Glibc

/// A socket address as the kernel reads and writes it.
struct KernelSocketAddress {
  private(set) var storage = sockaddr_storage()
  private(set) var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  /// Room for the kernel to write any address to.
  init() {}

  /// Fails with ENAMETOOLONG or EINVAL when a Unix socket's name does not fit or has a zero byte in
  /// it.
  init(_ address: SocketAddress) throws(SystemError) {
    switch address {
    case .ipv4(let number, let port):
      var form = sockaddr_in()
      form.sin_family = sa_family_t(AF_INET)
      form.sin_port = port.bigEndian
      form.sin_addr.s_addr = number.bigEndian
      store(form)
    case .ipv6(let number, let port, let scope):
      var form = sockaddr_in6()
      form.sin6_family = sa_family_t(AF_INET6)
      form.sin6_port = port.bigEndian
      form.sin6_scope_id = scope
      unsafe withUnsafeMutableBytes(of: &form.sin6_addr) { bytes in
        unsafe bytes.storeBytes(of: number.bigEndian, as: UInt128.self)
      }
      store(form)
    case .unixPath(let path): try storeUnix(Array(path.utf8), isAbstract: false)
    case .unixAbstract(let name): try storeUnix(Array(name.utf8), isAbstract: true)
    case .unixUnnamed:
      storage.ss_family = sa_family_t(AF_UNIX)
      length = socklen_t(Self.unixNameOffset)
    }
  }

  /// The address, or nil when it is of another kind. An IPv4 address mapped into IPv6
  /// (::ffff:1.2.3.4, as dual-stack listeners see them) becomes the IPv4 address that it is.
  var address: SocketAddress? {
    switch Int32(storage.ss_family) {
    case AF_INET where Int(length) >= MemoryLayout<sockaddr_in>.size:
      let form = load(sockaddr_in.self)
      return .ipv4(
        UInt32(bigEndian: form.sin_addr.s_addr), port: UInt16(bigEndian: form.sin_port))
    case AF_INET6 where Int(length) >= MemoryLayout<sockaddr_in6>.size:
      return ipv6Address
    case AF_UNIX:
      return unixAddress
    default:
      return nil
    }
  }

  /// Calls with what bind, connect and sendto take.
  func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    unsafe withUnsafePointer(to: storage) { pointer in
      unsafe body(UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), length)
    }
  }

  /// Calls with what getsockname, getpeername and accept take.
  mutating func withMutablePointer<Result>(
    _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
  ) -> Result {
    unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe body(
        UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), &length)
    }
  }

  private static let unixNameOffset = MemoryLayout<sa_family_t>.size
  /// unix(7): a path needs a zero byte behind it, an abstract name one in front.
  private static let unixNameByteCountMax = MemoryLayout<sockaddr_un>.size - unixNameOffset - 1

  private var ipv6Address: SocketAddress {
    let form = load(sockaddr_in6.self)
    let number = unsafe withUnsafeBytes(of: form.sin6_addr) { bytes in
      unsafe UInt128(bigEndian: bytes.loadUnaligned(as: UInt128.self))
    }
    let port = UInt16(bigEndian: form.sin6_port)
    if number >> 32 == 0xFFFF { return .ipv4(UInt32(truncatingIfNeeded: number), port: port) }
    return .ipv6(number, port: port, scope: form.sin6_scope_id)
  }

  private var unixAddress: SocketAddress {
    unsafe withUnsafeBytes(of: storage) { bytes in
      let end = max(Self.unixNameOffset, min(Int(length), bytes.count))
      let name = unsafe [UInt8](bytes[Self.unixNameOffset..<end])
      guard let first = name.first else { return .unixUnnamed }
      guard first != 0 else {
        return .unixAbstract(String(decoding: name.dropFirst(), as: UTF8.self))
      }
      return .unixPath(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
    }
  }

  private mutating func storeUnix(_ name: [UInt8], isAbstract: Bool) throws(SystemError) {
    guard !name.isEmpty, !name.contains(0) else {
      throw SystemError("name of a Unix socket", code: EINVAL)
    }
    guard name.count <= Self.unixNameByteCountMax else {
      throw SystemError(
        "name of a Unix socket", code: ENAMETOOLONG,
        advice: "\(Self.unixNameByteCountMax) bytes fit; this one has \(name.count).")
    }
    storage.ss_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      let start = Self.unixNameOffset + (isAbstract ? 1 : 0)
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start...]).copyBytes(from: name)
    }
    // The zero byte behind a path counts, and so does the one in front of an abstract name.
    length = socklen_t(Self.unixNameOffset + name.count + 1)
  }

  private mutating func store<Form>(_ form: Form) {
    unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      unsafe bytes.bindMemory(to: Form.self)[0] = form
    }
    length = socklen_t(MemoryLayout<Form>.size)
  }

  private func load<Form>(_ form: Form.Type) -> Form {
    unsafe withUnsafeBytes(of: storage) { bytes in unsafe bytes.load(as: Form.self) }
  }
}
