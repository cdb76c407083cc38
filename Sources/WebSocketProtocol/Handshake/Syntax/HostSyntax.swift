/// `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2), with a host that is not empty.
enum HostSyntax {
  static func isHost(_ bytes: RawSpan, in range: Range<Int>) -> Bool {
    guard let first = range.first else { return false }
    var end = first
    if bytes[octet: first] == UInt8(ascii: "[") {
      guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]"), in: range) else { return false }
      let literal = first + 1..<bracket
      guard !literal.isEmpty, literal.allSatisfy({ isLiteralOctet(bytes[octet: $0]) }) else {
        return false
      }
      end = bracket + 1
    } else {
      while end < range.upperBound, bytes[octet: end].isHostOctet { end += 1 }
      if end == first { return false }
    }
    if end == range.upperBound { return true }
    let port = end + 1..<range.upperBound
    return bytes[octet: end] == UInt8(ascii: ":") && port.count <= 5
      && port.allSatisfy { bytes[octet: $0].isDigit }
  }

  /// Of an IPv6 address, or of an address of the future with its version.
  private static func isLiteralOctet(_ octet: UInt8) -> Bool {
    octet.isHostOctet || octet == UInt8(ascii: ":")
  }
}
