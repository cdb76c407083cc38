internal import CURing
internal import Glibc

/// Where a socket is bound, or whom it talks to.
public enum SocketAddress: Sendable, Hashable {
  /// The address as a number: 127.0.0.1 is 0x7F00_0001.
  case ipv4(UInt32, port: UInt16)
  /// The address as a number: ::1 is 1. The scope is the number of the interface that a link-local
  /// address belongs to, else 0.
  case ipv6(UInt128, port: UInt16, scope: UInt32 = 0)
  /// A Unix socket with a name in the file system.
  case unixPath(String)
  /// A Unix socket with a name that exists only while the socket does.
  case unixAbstract(String)
  /// A Unix socket without a name: most clients'.
  case unixUnnamed

  /// Any address of this machine, IPv6 and, on a dual-stack listener, IPv4.
  public static func any(port: UInt16) -> SocketAddress { .ipv6(0, port: port) }
  /// This machine, from itself only, over IPv4.
  public static func loopback(port: UInt16) -> SocketAddress { .ipv4(0x7F00_0001, port: port) }

  /// The address written as `127.0.0.1`, `::1`, `[::1]`, `fe80::1%eth0`, `unix:/path` or
  /// `unix:@name`, or nil when it is none of these. The port counts for IP addresses only. Asks
  /// nobody for names: `resolve` does.
  public static func parse(_ text: String, port: UInt16) -> SocketAddress? {
    if text.hasPrefix("unix:") {
      let name = text.dropFirst(5)
      if name.isEmpty { return nil }
      return name.first == "@" ? .unixAbstract(String(name.dropFirst())) : .unixPath(String(name))
    }
    return parseIPv4(text, port: port) ?? parseIPv6(text, port: port)
  }

  /// The port of an IP address.
  public var port: UInt16? {
    switch self {
    case .ipv4(_, let port), .ipv6(_, let port, _): port
    case .unixPath, .unixAbstract, .unixUnnamed: nil
    }
  }

  /// Whether it names a Unix socket.
  public var isUnix: Bool { port == nil }

  /// Whether a TCP socket with this address that connects to another one is its own peer. The
  /// scope of a link-local address says nothing new where the address is the same.
  func connectsToItself(at peer: SocketAddress) -> Bool {
    switch (self, peer) {
    // The kernel takes 0.0.0.0 for the address that the socket has, and :: for the loopback's.
    case (.ipv4(let own, let ownPort), .ipv4(let other, let port)):
      ownPort == port && (own == other || other == 0)
    case (.ipv6(let own, let ownPort, _), .ipv6(let other, let port, _)):
      ownPort == port && own == (other == 0 ? 1 : other)
    default: false
    }
  }

  private static func parseIPv4(_ text: String, port: UInt16) -> SocketAddress? {
    var address = in_addr()
    guard unsafe inet_pton(AF_INET, text, &address) == 1 else { return nil }
    return .ipv4(UInt32(bigEndian: address.s_addr), port: port)
  }

  private static func parseIPv6(_ text: String, port: UInt16) -> SocketAddress? {
    var body = text[...]
    if body.hasPrefix("["), body.hasSuffix("]") { body = body.dropFirst().dropLast() }
    var scope: UInt32 = 0
    if let percent = body.firstIndex(of: "%") {
      let name = String(body[body.index(after: percent)...])
      scope = unsafe UInt32(name) ?? if_nametoindex(name)
      guard scope != 0 else { return nil }
      body = body[..<percent]
    }
    var number: UInt128 = 0
    guard unsafe inet_pton(AF_INET6, String(body), &number) == 1 else { return nil }
    return .ipv6(UInt128(bigEndian: number), port: port, scope: scope)
  }
}

extension SocketAddress: CustomStringConvertible {
  /// `127.0.0.1:80`, `[::1]:80`, `[fe80::1%2]:80`, `unix:/path`, `unix:@name`, `unix:`
  public var description: String {
    switch self {
    case .ipv4(_, let port): "\(host):\(port)"
    case .ipv6(_, let port, _): "[\(host)]:\(port)"
    case .unixPath(let path): "unix:\(path)"
    case .unixAbstract(let name): "unix:@\(name)"
    case .unixUnnamed: "unix:"
    }
  }

  /// The address without its port: `127.0.0.1`, `::1`, `fe80::1%2`; a Unix socket's whole
  /// description.
  public var host: String {
    switch self {
    case .ipv4(let number, _):
      return "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    case .ipv6(let number, _, let scope):
      var bytes = number.bigEndian
      let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { buffer in
        // INET6_ADDRSTRLEN is 46: it always fits.
        _ = unsafe inet_ntop(AF_INET6, &bytes, buffer.baseAddress, socklen_t(buffer.count))
        return unsafe String(cString: buffer.baseAddress.unsafelyUnwrapped)
      }
      return scope == 0 ? text : "\(text)%\(scope)"
    case .unixPath, .unixAbstract, .unixUnnamed:
      return description
    }
  }
}
