/// Checks that bytes which arrive in pieces are UTF-8 as RFC 3629 defines it: no overlong forms, no
/// surrogates, nothing above U+10FFFF (RFC 6455 §8.1).
///
/// A value of three bytes, which is all that a piece has to know of the pieces before it.
public struct UTF8Validator: Equatable, Sendable, BitwiseCopyable {
  /// The bytes that the character begun last still lacks.
  private var missingByteCount: UInt8 = 0
  /// What the next of them may be. The second byte of some characters has less room than the
  /// other continuation bytes: that is where overlong forms and the like are found out.
  private var lowest: UInt8 = 0x80
  private var highest: UInt8 = 0xBF

  public init() {}

  /// Whether the bytes so far do not end inside a character.
  public var isComplete: Bool { missingByteCount == 0 }

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

  /// Takes one byte. The rows of RFC 3629 §4, by their first byte.
  private mutating func accept(_ byte: UInt8) -> Bool {
    if missingByteCount > 0 {
      guard byte >= lowest, byte <= highest else { return false }
      expect(missingByteCount - 1)
      return true
    }
    switch byte {
    case 0x00...0x7F: break
    case 0xC2...0xDF: expect(1)
    case 0xE0: expect(2, from: 0xA0)
    case 0xE1...0xEC, 0xEE...0xEF: expect(2)
    case 0xED: expect(2, to: 0x9F)
    case 0xF0: expect(3, from: 0x90)
    case 0xF1...0xF3: expect(3)
    case 0xF4: expect(3, to: 0x8F)
    default: return false
    }
    return true
  }

  private mutating func expect(
    _ byteCount: UInt8, from lowest: UInt8 = 0x80, to highest: UInt8 = 0xBF
  ) {
    missingByteCount = byteCount
    self.lowest = lowest
    self.highest = highest
  }
}

extension RawSpan {
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// The offset of the first byte at or after `offset` that is not ASCII, or a little before it:
  /// the search goes by words and stops at a word with such a byte.
  fileprivate func endOfASCII(from start: Int) -> Int {
    var offset = start
    while offset &+ 32 <= byteCount {
      let low = word(at: offset) | word(at: offset &+ 8)
      let high = word(at: offset &+ 16) | word(at: offset &+ 24)
      guard (low | high) & Self.highBits == 0 else { break }
      offset &+= 32
    }
    while offset &+ 8 <= byteCount {
      let found = word(at: offset) & Self.highBits
      guard found == 0 else { return offset &+ found.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    // The last word overlaps what was looked at: cheaper than up to seven single bytes.
    if offset < byteCount, byteCount >= 8, word(at: byteCount &- 8) & Self.highBits == 0 {
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
