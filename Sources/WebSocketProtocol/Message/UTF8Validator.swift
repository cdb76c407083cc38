/// Checks that bytes which arrive in pieces are UTF-8 as RFC 3629 defines it: no overlong forms, no
/// surrogates, nothing above U+10FFFF (RFC 6455 §8.1).
///
/// A value of one byte, which is all that a piece has to know of the pieces before it.
public struct UTF8Validator: Equatable, Sendable, BitwiseCopyable {
  private var expected = Expectation.character

  /// Before the first byte of a text.
  public init() {}

  /// Whether these bytes are UTF-8 by themselves.
  public static func isValid(_ bytes: RawSpan) -> Bool {
    var validator = UTF8Validator()
    return validator.accept(bytes) && validator.isComplete
  }

  /// What the next byte may be. The second byte of some characters has less room than the other
  /// continuation bytes, 80 to BF: that is where overlong forms and the like are found out.
  private enum Expectation: BitwiseCopyable {
    /// The first byte of a character.
    case character
    /// The last one, two or three bytes of a character.
    case one, two, three
    /// After E0, of which everything below U+0800 is overlong: A0 to BF, then one more.
    case twoFromA0
    /// After ED, of which everything above U+D7FF is a surrogate: 80 to 9F, then one more.
    case twoTo9F
    /// After F0, of which everything below U+10000 is overlong: 90 to BF, then two more.
    case threeFrom90
    /// After F4, of which everything above U+10FFFF is no character: 80 to 8F, then two more.
    case threeTo8F
  }

  /// Whether the bytes so far do not end inside a character.
  public var isComplete: Bool { expected == .character }

  /// Takes the next bytes. Returns `false` as soon as one of them cannot continue any valid text,
  /// without waiting for the rest of its character; the validator is of no use after that.
  public mutating func accept(_ bytes: RawSpan) -> Bool {
    var offset = 0
    while offset < bytes.byteCount {
      if isComplete {
        offset = bytes.endOfASCII(from: offset)
        while let byteCount = bytes.characterByteCount(at: offset) { offset &+= byteCount }
        guard offset < bytes.byteCount else { break }
      }
      // Inside a character that began in an earlier piece or will end in a later one, or where
      // the fast ways above did not apply.
      guard accept(bytes.byte(at: offset)) else { return false }
      offset &+= 1
    }
    return true
  }

  /// Takes one byte, by the syntax of RFC 3629 §4.
  private mutating func accept(_ byte: UInt8) -> Bool {
    switch (expected, byte) {
    case (.character, 0x00...0x7F): break
    case (.character, 0xC2...0xDF): expected = .one
    case (.character, 0xE0): expected = .twoFromA0
    case (.character, 0xED): expected = .twoTo9F
    case (.character, 0xE1...0xEF): expected = .two
    case (.character, 0xF0): expected = .threeFrom90
    case (.character, 0xF1...0xF3): expected = .three
    case (.character, 0xF4): expected = .threeTo8F
    case (.one, 0x80...0xBF): expected = .character
    case (.two, 0x80...0xBF), (.twoFromA0, 0xA0...0xBF), (.twoTo9F, 0x80...0x9F): expected = .one
    case (.three, 0x80...0xBF), (.threeFrom90, 0x90...0xBF), (.threeTo8F, 0x80...0x8F):
      expected = .two
    default: return false
    }
    return true
  }
}

extension RawSpan {
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// The offset of the first byte at or after `start` that is not ASCII, or, close to the end, of
  /// one before it. Between other characters runs of ASCII are short, so it begins by single words.
  fileprivate func endOfASCII(from start: Int) -> Int {
    var offset = start
    while offset &+ 8 <= byteCount {
      let found = word(at: offset) & Self.highBits
      guard found == 0 else { return offset &+ found.trailingZeroBitCount / 8 }
      offset &+= 8
      while offset &+ 32 <= byteCount {
        let low = word(at: offset) | word(at: offset &+ 8)
        let high = word(at: offset &+ 16) | word(at: offset &+ 24)
        guard (low | high) & Self.highBits == 0 else { break }
        offset &+= 32
      }
    }
    // The last word overlaps what was looked at: cheaper than up to seven single bytes.
    if byteCount >= 8, word(at: byteCount &- 8) & Self.highBits == 0 {
      return byteCount
    }
    return offset
  }

  /// The length of the valid character of two to four bytes at `offset`; `nil` when there is none,
  /// or when fewer than four bytes are left to look at.
  ///
  /// The word is loaded with the first byte lowest. Its bits under the first mask of each row are
  /// the prefixes of a character of that length, and the rest of the row is RFC 3629 §4.
  fileprivate func characterByteCount(at offset: Int) -> Int? {
    guard offset &+ 4 <= byteCount else { return nil }
    let word = UInt32(littleEndian: integer(at: offset, as: UInt32.self))
    if word & 0x00C0_C0F0 == 0x0080_80E0 {
      // 0: overlong, U+0000 to U+07FF. 0x200D: a surrogate, U+D800 to U+DFFF.
      let high = word & 0x200F
      return high != 0 && high != 0x200D ? 3 : nil
    }
    if word & 0xC0E0 == 0x80C0 {
      // 0: overlong, U+0000 to U+007F.
      return word & 0x1E != 0 ? 2 : nil
    }
    if word & 0xC0C0_C0F8 == 0x8080_80F0 {
      // The plane: 0 is overlong, and 16 is the last one.
      let plane = (word & 0x07) << 2 | (word & 0x3000) >> 12
      return plane >= 1 && plane <= 16 ? 4 : nil
    }
    return nil
  }

  private func word(at offset: Int) -> UInt64 {
    UInt64(littleEndian: integer(at: offset, as: UInt64.self))
  }
}
