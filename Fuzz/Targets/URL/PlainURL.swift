/// A WebSocket's URL taken apart by the letter of RFC 3986 §3 and RFC 6455 §3, byte by byte.
struct PlainURL {
  /// Without brackets.
  let host: [UInt8]
  /// In digits, without zeros in front.
  let port: String
  let target: [UInt8]
  private let isLiteral: Bool

  /// Nil: it is none.
  init?(_ bytes: [UInt8]) {
    let scheme = Array("ws://".utf8)
    guard PlainHead.lowercased(Array(bytes.prefix(scheme.count))) == scheme else { return nil }
    let rest = bytes.dropFirst(scheme.count)
    let authority = rest.prefix { !"/?#".utf8.contains($0) }
    let tail = Array(rest.dropFirst(authority.count))
    target = tail.first == UInt8(ascii: "/") ? tail : [UInt8(ascii: "/")] + tail
    guard target.allSatisfy({ (33...126).contains($0) && $0 != UInt8(ascii: "#") }) else {
      return nil
    }
    isLiteral = authority.first == UInt8(ascii: "[")
    let name =
      isLiteral ? authority.prefix { $0 != UInt8(ascii: "]") } : authority.prefix { $0 != 58 }
    host = Array(isLiteral ? name.dropFirst() : name)
    var portText = authority.dropFirst(name.count)
    if isLiteral, portText.popFirst() == nil { return nil }
    if !portText.isEmpty, portText.popFirst() != UInt8(ascii: ":") { return nil }
    guard portText.allSatisfy({ (48...57).contains($0) }) else { return nil }
    let digits = portText.drop { $0 == 48 }
    port = portText.isEmpty ? "80" : PlainHead.text(digits)
    guard !digits.isEmpty || portText.isEmpty, digits.count <= 5, Int(port) ?? 0 < 65_536 else {
      return nil
    }
    guard !host.isEmpty,
      host.allSatisfy({ (33...126).contains($0) && !"@[]\"<>\\^`{|}".utf8.contains($0) })
    else { return nil }
  }

  /// Nobody could doubt it: a name or an IPv6 address out of the common characters, and a target out of
  /// those that need no encoding.
  var isPlainlyRight: Bool {
    let isHost = host.allSatisfy {
      let isCommon = Self.isAlphanumeric($0) || "-._".utf8.contains($0)
      return isLiteral ? $0 == 58 || Self.isHexadecimal($0) : isCommon
    }
    return isHost && (!isLiteral || host.contains(58))
      && target.allSatisfy { Self.isAlphanumeric($0) || "-._~/?&=%".utf8.contains($0) }
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    "0123456789abcdefABCDEF".utf8.contains(byte)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }
}
