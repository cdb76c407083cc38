/// The octet classes of RFC 9110 §5.5–§5.6 and RFC 3986.
extension UInt8 {
  static let carriageReturn: UInt8 = 0x0D
  static let lineFeed: UInt8 = 0x0A
  static let space: UInt8 = 0x20
  static let tab: UInt8 = 0x09

  /// `tchar`: what methods, field names, subprotocols and extension names consist of.
  var isTokenOctet: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true  // 0…9 A…Z a…z
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E: true  // ! # $ % & ' * + - .
    case 0x5E...0x60, 0x7C, 0x7E: true  // ^ _ ` | ~
    default: false
    }
  }

  /// What a field value may hold: visible ASCII, space, tab, and `obs-text` (0x80 and above).
  var isFieldOctet: Bool { (self >= 0x20 && self != 0x7F) || self == .tab }

  /// Visible ASCII.
  var isVisible: Bool { (0x21...0x7E).contains(self) }

  /// Optional white space: space or tab.
  var isBlank: Bool { self == .space || self == .tab }

  var isDigit: Bool { (0x30...0x39).contains(self) }

  /// What a host name, an IPv4 address or an IP literal without its brackets consists of
  /// (RFC 3986 §3.2.2: unreserved, percent-encoded, sub-delims), the colon aside.
  var isHostOctet: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case 0x21, 0x24...0x2E, 0x3B, 0x3D, 0x5F, 0x7E: true  // ! $ % & ' ( ) * + , - . ; = _ ~
    default: false
    }
  }

  /// The value of a hexadecimal digit of either case.
  var hexadecimalValue: UInt8? {
    switch self {
    case 0x30...0x39: self - 0x30
    case 0x41...0x46: self - 0x41 + 10
    case 0x61...0x66: self - 0x61 + 10
    default: nil
    }
  }

  /// The small letter of an ASCII capital, any other octet unchanged.
  var lowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}

extension RawSpan {
  /// The octet at `index`, bounds-checked.
  subscript(octet index: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }

  /// The octets in `range` as text. What is not UTF-8 becomes U+FFFD.
  func text(in range: Range<Int>) -> String {
    unsafe extracting(range).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// Whether the octets in `range` are those of `text`.
  func equals(_ text: String, in range: Range<Int>) -> Bool {
    let characters = text.utf8
    guard range.count == characters.count else { return false }
    return zip(range, characters).allSatisfy { self[octet: $0] == $1 }
  }

  /// Whether the octets in `range` are those of `text`, the case of ASCII letters aside.
  func equalsIgnoringCase(_ text: String, in range: Range<Int>) -> Bool {
    let characters = text.utf8
    guard range.count == characters.count else { return false }
    return zip(range, characters).allSatisfy { self[octet: $0].lowercased == $1.lowercased }
  }

  /// Where `octet` is first in `range`.
  func firstIndex(of octet: UInt8, in range: Range<Int>) -> Int? {
    range.first { self[octet: $0] == octet }
  }

  /// `range` without the spaces and tabs at its ends.
  func trimmingBlanks(in range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, self[octet: start].isBlank { start += 1 }
    while start < end, self[octet: end - 1].isBlank { end -= 1 }
    return start..<end
  }

  /// Whether `range` holds a token (RFC 9110 §5.6.2): one `tchar` or more.
  func isToken(in range: Range<Int>) -> Bool {
    !range.isEmpty && range.allSatisfy { self[octet: $0].isTokenOctet }
  }
}
