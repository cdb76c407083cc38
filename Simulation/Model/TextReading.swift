/// What is a text, read in the plainest way: character by character, as RFC 3629 §3 says.
enum TextReading {
  /// Whether bytes are UTF-8, whole.
  static func isValid(_ bytes: [UInt8]) -> Bool {
    var position = 0
    while position < bytes.count {
      guard let length = characterByteCount(bytes[position...]) else { return false }
      position += length
    }
    return true
  }

  /// Bytes of the character that stands first. Nil: there is none.
  private static func characterByteCount(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard let first = bytes.first else { return nil }
    let (length, least): (Int, UInt32) =
      switch first.leadingZeroBitCount == 0 ? (~first).leadingZeroBitCount : 0 {
      case 0: (1, 0)
      case 2: (2, 0x80)
      case 3: (3, 0x800)
      case 4: (4, 0x1_0000)
      default: (0, 0)
      }
    guard length > 0, bytes.count >= length else { return nil }
    var value = length == 1 ? UInt32(first) : UInt32(first) & (0x7F >> UInt32(length))
    for byte in bytes.dropFirst().prefix(length - 1) {
      guard byte & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    // In its shortest form, no half of a pair of UTF-16, and within Unicode.
    let isCharacter = value >= least && !(0xD800...0xDFFF ~= value) && value <= 0x10_FFFF
    return isCharacter ? length : nil
  }
}

/// What makes a text none, and where in a message it stands.
struct Malformation {
  private static let sequences: [[UInt8]] = [
    // A byte that continues nothing, and two that no character has.
    [0x80], [0xFF], [0xC1, 0xBF],
    // Longer than they have to be.
    [0xC0, 0x80], [0xE0, 0x9F, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF],
    // Surrogates.
    [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
    // Beyond Unicode.
    [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
    // Without an end.
    [0xC3], [0xE4, 0xB8], [0xF0, 0x9F, 0x8C],
  ]

  private let sequence: [UInt8]
  private let isAtEnd: Bool
  private let isCutBehind: Bool
  private let place: Int

  init(_ argument: Int) {
    sequence = Self.sequences[argument % Self.sequences.count]
    let rest = argument / Self.sequences.count
    isAtEnd = rest % 3 == 0
    isCutBehind = rest % 2 == 0
    place = rest / 6
  }

  /// The bytes of a text, which are none afterwards.
  ///
  /// - Parameters:
  ///   - bytes: a whole message, as long as a head at least.
  ///   - ends: where its fragments end. One of them may come to end just behind what is wrong.
  func spoil(_ bytes: inout [UInt8], ends: inout [Int]) {
    let last = bytes.count - sequence.count
    let start = isAtEnd ? last : 1 + place % last
    bytes.replaceSubrange(start..<start + sequence.count, with: sequence)
    // It may have continued a character that stood there.
    if TextReading.isValid(bytes) { bytes[bytes.count - 1] = 0xFF }
    let end = start + sequence.count
    guard isCutBehind, let cut = ends.dropLast().firstIndex(where: { $0 >= end }) else { return }
    ends[cut] = end
  }
}
