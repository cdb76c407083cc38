/// A WebSocket's address (RFC 6455 §3): `ws://host:port/path?query`.
public struct WebSocketURL: Sendable, Equatable {
  /// A name, an IPv4 address, or an IPv6 address without its brackets, with the zone if there is
  /// one: `fe80::1%eth0`.
  public let host: String
  /// 80 unless the URL says otherwise.
  public let port: UInt16
  /// Path and query as they go into the request, at least `/`.
  public let target: String

  /// - Throws: `.invalidScheme` unless it begins with `ws://`; `.tlsUnsupported` if it begins with
  ///   `wss://`, since there is no TLS yet; `.invalidHost` if there is none, or with user information; `.invalidPort`;
  ///   `.invalidTarget` with a fragment, which no WebSocket's URL has, or with characters that must
  ///   be percent-encoded.
  public init(_ text: String) throws(HandshakeFieldError) {
    guard let separator = Self.end(of: "ws://", in: text) else {
      throw Self.end(of: "wss://", in: text) == nil ? .invalidScheme : .tlsUnsupported
    }
    let rest = text[separator...]
    let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
    let authority = rest[..<end]
    (host, port) = try Self.split(authority)
    let tail = rest[end...]
    target = tail.first == "/" ? String(tail) : "/" + tail
    guard target.utf8.allSatisfy({ $0.isVisible && $0 != UInt8(ascii: "#") }) else {
      throw .invalidTarget
    }
    let bytes = Array(self.authority(of: host).utf8)
    let span = bytes.span
    guard HostSyntax.isHost(RawSpan(_elements: span), in: 0..<span.count) else {
      throw .invalidHost
    }
  }

  /// What the `Host` field says: the port only if it is not the scheme's default, and no zone,
  /// which means something on this machine only (RFC 6874 §4).
  public var authority: String {
    authority(of: host.contains(":") ? String(host.prefix { $0 != "%" }) : host)
  }

  private func authority(of host: String) -> String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == 80 ? name : "\(name):\(port)"
  }

  private static func end(of scheme: String, in text: String) -> String.Index? {
    guard text.prefix(scheme.count).lowercased() == scheme else { return nil }
    return text.index(text.startIndex, offsetBy: scheme.count)
  }

  private static func split(_ authority: Substring) throws(HandshakeFieldError) -> (String, UInt16)
  {
    guard !authority.utf8.contains(UInt8(ascii: "@")) else { throw .invalidHost }
    var host = authority
    var port: Substring?
    if authority.first == "[" {
      guard let bracket = authority.firstIndex(of: "]") else { throw .invalidHost }
      let tail = authority[authority.index(after: bracket)...]
      guard tail.isEmpty || tail.first == ":" else { throw .invalidHost }
      host = authority[..<bracket].dropFirst()
      // Nothing else may come to mean something to those who read addresses.
      let address = host.prefix { $0 != "%" }
      guard address.contains(":"), address.utf8.allSatisfy(isIPv6Octet) else { throw .invalidHost }
      port = tail.isEmpty ? nil : tail.dropFirst()
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      port = authority[authority.index(after: colon)...]
    }
    guard !host.isEmpty else { throw .invalidHost }
    // An empty port means the default (RFC 3986 §3.2.3).
    guard let port, !port.isEmpty else { return (String(host), 80) }
    guard port.utf8.allSatisfy(\.isDigit), let number = UInt16(port), number > 0 else {
      throw .invalidPort
    }
    return (String(host), number)
  }

  private static func isIPv6Octet(_ octet: UInt8) -> Bool {
    octet.hexadecimalValue != nil || octet == UInt8(ascii: ":") || octet == UInt8(ascii: ".")
  }
}

extension WebSocketURL: CustomStringConvertible {
  /// The URL, with the port only if it is not the scheme's default.
  public var description: String { "ws://\(authority(of: host))\(target)" }
}
