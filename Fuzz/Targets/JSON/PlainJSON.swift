/// A second reading of the JSON that the examples understand: by the grammar of RFC 8259, over characters and not
/// bytes, by taking texts apart and not by stepping through them.
struct PlainJSON {
  typealias Member = (name: String, value: JSONObject.Value)

  private var rest: Substring.UnicodeScalarView

  /// The members in their order; nil if it is no object with texts and whole numbers for values.
  static func members(_ text: String) -> [Member]? {
    var reader = PlainJSON(rest: text[...].unicodeScalars)
    guard reader.takes("{") else { return nil }
    var members: [Member] = []
    if !reader.takes("}") {
      repeat {
        guard let member = reader.member() else { return nil }
        members.append(member)
      } while reader.takes(",")
      guard reader.takes("}") else { return nil }
    }
    reader.skipSpace()
    return reader.rest.isEmpty ? members : nil
  }

  private mutating func member() -> Member? {
    guard takes("\""), let name = text(), takes(":") else { return nil }
    if takes("\"") {
      guard let value = text() else { return nil }
      return (name, .text(value))
    }
    let digits = rest.prefix { ("0"..."9").contains($0) }
    rest = rest.dropFirst(digits.count)
    // Not `Int`'s own limit, which has more digits.
    guard let number = UInt64(String(digits)), number <= 1 << 53, String(number) == String(digits)
    else { return nil }
    return (name, .number(number))
  }

  /// What stands before the next quotation mark that is not escaped.
  private mutating func text() -> String? {
    var units: [UInt16] = []
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\"": return Self.text(units)
      case "\\":
        guard let unit = escaped() else { return nil }
        units.append(unit)
        // Half a pair must be followed by the other half, written in the same way.
        if UTF16.isTrailSurrogate(unit) { return nil }
        if UTF16.isLeadSurrogate(unit) {
          guard rest.popFirst() == "\\", let second = escaped(), UTF16.isTrailSurrogate(second)
          else { return nil }
          units.append(second)
        }
      case "\u{0}"..."\u{1f}": return nil
      default: units += Array(UTF16.encode(scalar) ?? .init())
      }
    }
    return nil
  }

  private mutating func escaped() -> UInt16? {
    guard let letter = rest.popFirst() else { return nil }
    let single: [Unicode.Scalar: UInt16] = [
      "\"": 0x22, "\\": 0x5c, "/": 0x2f, "b": 8, "f": 0xc, "n": 0xa, "r": 0xd, "t": 9,
    ]
    if letter != "u" { return single[letter] }
    let digits = String(rest.prefix(4))
    rest = rest.dropFirst(4)
    guard digits.utf8.count == 4, !digits.hasPrefix("+"), !digits.hasPrefix("-") else { return nil }
    return UInt16(digits, radix: 16)
  }

  private static func text(_ units: [UInt16]) -> String? {
    String(validating: units, as: UTF16.self)
  }

  private mutating func takes(_ scalar: Unicode.Scalar) -> Bool {
    skipSpace()
    guard rest.first == scalar else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func skipSpace() {
    rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
  }
}
