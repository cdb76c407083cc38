/// Base64 with padding (RFC 4648 §4), as far as the opening handshake needs it.
public enum Base64 {
  /// The number of characters that `byteCount` bytes become.
  public static func encodedByteCount(_ byteCount: Int) -> Int {
    (byteCount + 2) / 3 * 4
  }

  /// Writes the text of `bytes` to the start of `text`, which must be long enough for it.
  public static func encode(_ bytes: Span<UInt8>, into text: inout MutableSpan<UInt8>) {
    precondition(text.count >= encodedByteCount(bytes.count), "too little room for base64")
    var written = 0
    for start in stride(from: 0, to: bytes.count, by: 3) {
      var group: UInt32 = 0
      for index in start..<start + 3 {
        group = group << 8 | (index < bytes.count ? UInt32(bytes[index]) : 0)
      }
      let characterCount = min(bytes.count - start, 3) + 1
      for position in 0..<4 {
        let sextet = UInt8(truncatingIfNeeded: group >> (18 - UInt32(position) * 6) & 63)
        text[written + position] = position < characterCount ? character(of: sextet) : padding
      }
      written += 4
    }
  }

  static let padding = UInt8(ascii: "=")

  /// The six bits that `character` stands for, or nil if it is not of the alphabet.
  static func sextet(of character: UInt8) -> UInt8? {
    switch character {
    case 0x41...0x5A: character - 0x41  // A…Z
    case 0x61...0x7A: character - 0x61 + 26  // a…z
    case 0x30...0x39: character - 0x30 + 52  // 0…9
    case 0x2B: 62  // +
    case 0x2F: 63  // /
    default: nil
    }
  }

  private static func character(of sextet: UInt8) -> UInt8 {
    switch sextet {
    case 0..<26: sextet + 0x41
    case 26..<52: sextet - 26 + 0x61
    case 52..<62: sextet - 52 + 0x30
    case 62: 0x2B
    default: 0x2F
    }
  }
}
