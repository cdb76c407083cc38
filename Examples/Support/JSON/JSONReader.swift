/// Reads one JSON object from left to right. Whatever the bytes are, it ends, and never traps.
struct JSONReader {
  /// JavaScript counts exactly up to here.
  private static let numberMax: UInt64 = 1 << 53

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Gives each member to `take`. The object must be all there is.
  mutating func readMembers(
    _ take: (String, JSONObject.Value) throws(JSONError) -> Void
  ) throws(JSONError) {
    try skip(UInt8(ascii: "{"), "an object was expected")
    if !skips(UInt8(ascii: "}")) {
      repeat {
        let name = try readText()
        try skip(UInt8(ascii: ":"), "a colon was expected")
        try take(name, readValue())
      } while skips(UInt8(ascii: ","))
      try skip(UInt8(ascii: "}"), "the object does not end")
    }
    guard next() == nil else { throw JSONError("something follows the object") }
  }

  private mutating func readValue() throws(JSONError) -> JSONObject.Value {
    switch next() {
    case UInt8(ascii: "\""): .text(try readText())
    case .some(UInt8(ascii: "0")...UInt8(ascii: "9")): .number(try readNumber())
    default: throw JSONError("a text or a whole number was expected")
    }
  }

  private mutating func readNumber() throws(JSONError) -> UInt64 {
    let start = position
    var number: UInt64 = 0
    while let byte = peek(), case UInt8(ascii: "0")...UInt8(ascii: "9") = byte {
      number = number * 10 + UInt64(byte - UInt8(ascii: "0"))
      guard number <= Self.numberMax else { throw JSONError("a number is too large") }
      position += 1
    }
    if bytes[start] == UInt8(ascii: "0"), position > start + 1 {
      throw JSONError("a number begins with 0")
    }
    return number
  }

  private mutating func readText() throws(JSONError) -> String {
    try skip(UInt8(ascii: "\""), "a text was expected")
    var text: [UInt8] = []
    while let byte = take() {
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += String(try readEscape()).utf8
      case 0..<0x20: throw JSONError("a control character is not escaped")
      default: text.append(byte)
      }
    }
    throw JSONError("a text does not end")
  }

  /// What follows a backslash (§7).
  private mutating func readEscape() throws(JSONError) -> Unicode.Scalar {
    switch take() {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try readEscapedScalar()
    default: throw JSONError("an escape is unknown")
    }
  }

  /// One or, beyond U+FFFF, two UTF-16 units of four digits each.
  private mutating func readEscapedScalar() throws(JSONError) -> Unicode.Scalar {
    let unit = try readUnit()
    if let scalar = Unicode.Scalar(UInt32(unit)) { return scalar }
    guard UTF16.isLeadSurrogate(unit), take() == UInt8(ascii: "\\"), take() == UInt8(ascii: "u")
    else { throw JSONError("half a surrogate pair") }
    let second = try readUnit()
    guard UTF16.isTrailSurrogate(second) else { throw JSONError("half a surrogate pair") }
    return UTF16.decode(UTF16.EncodedScalar([unit, second]))
  }

  private mutating func readUnit() throws(JSONError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = take(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw JSONError("an escape needs four hexadecimal digits")
      }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }

  /// Skips white space (§2) and this byte, which must be there.
  private mutating func skip(_ byte: UInt8, _ complaint: String) throws(JSONError) {
    guard skips(byte) else { throw JSONError(complaint) }
  }

  /// Skips white space, and this byte if it is there.
  private mutating func skips(_ byte: UInt8) -> Bool {
    guard next() == byte else { return false }
    position += 1
    return true
  }

  /// The next byte that is no white space, not taken.
  private mutating func next() -> UInt8? {
    while let byte = peek(), [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
    return peek()
  }

  private func peek() -> UInt8? {
    position < bytes.count ? bytes[position] : nil
  }

  private mutating func take() -> UInt8? {
    guard let byte = peek() else { return nil }
    position += 1
    return byte
  }
}
