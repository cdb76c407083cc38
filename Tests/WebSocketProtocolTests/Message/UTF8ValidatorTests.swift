import Testing
import WebSocketProtocol

@Suite("RFC 6455 §8.1, RFC 3629: UTF-8")
struct UTF8ValidatorTests {
  /// A byte at each end of each row in the tables of RFC 3629.
  private static let borders: [UInt8] = [
    0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF,
  ]

  /// Takes pieces of the given sizes, the last one of what remains.
  private static func accepts(_ bytes: [UInt8], cuts: [Int] = []) -> Bool {
    var validator = UTF8Validator()
    var start = 0
    for end in cuts + [bytes.count] {
      guard validator.accept(bytes.span.bytes.extracting(start..<end)) else { return false }
      start = end
    }
    return validator.isComplete
  }

  private static func isValid(_ bytes: [UInt8]) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
  }

  @Test("its state is one byte")
  func size() {
    #expect(MemoryLayout<UTF8Validator>.size == 1)
  }

  @Test("all sequences of one and two bytes are judged as by the standard library")
  func twoBytes() {
    for first in UInt8.min...UInt8.max {
      #expect(Self.accepts([first]) == Self.isValid([first]))
      for second in UInt8.min...UInt8.max {
        let bytes = [first, second]
        let isValid = Self.isValid(bytes)
        if Self.accepts(bytes) != isValid || Self.accepts(bytes, cuts: [1]) != isValid {
          Issue.record("\(bytes)")
        }
      }
    }
  }

  @Test("sequences of three bytes are judged as by the standard library")
  func threeBytes() {
    for first: UInt8 in [0x61, 0x80, 0xBF] + Array(0xC0...0xFF) {
      for second in UInt8.min...UInt8.max {
        for third in Self.borders { judge([first, second, third]) }
      }
    }
  }

  @Test("sequences of four bytes are judged as by the standard library")
  func fourBytes() {
    for first: UInt8 in [0xE1, 0xED] + Array(0xEF...0xF8) {
      for second in Self.borders + [0x81, 0x8E, 0x91] {
        for third in Self.borders {
          for fourth in Self.borders { judge([first, second, third, fourth]) }
        }
      }
    }
  }

  @Test("every character is accepted, in one piece and cut anywhere")
  func everyCharacter() {
    for value in UInt32(0)...0x10FFFF where value < 0x800 || value % 7 == 0 || value > 0x10FF00 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let bytes = Array(String(Character(scalar)).utf8)
      let padded = bytes + [0x61, 0x61, 0x61]
      var isAccepted = Self.accepts(bytes) && Self.accepts(padded)
      for cut in 1..<max(bytes.count, 1) {
        isAccepted = isAccepted && Self.accepts(bytes, cuts: [cut])
      }
      if !isAccepted { Issue.record("U+\(String(value, radix: 16))") }
    }
  }

  @Test("random mixes are judged as by the standard library at every split", arguments: 0..<40)
  func mixes(seed: UInt64) {
    var random = SplitMix(state: seed)
    let pieces: [[UInt8]] = [
      Array("a".utf8), Array("some plain text, thirty-three bytes".utf8), Array("é".utf8),
      Array("漢".utf8), Array("😀".utf8), Array("12345678".utf8),
    ]
    let flaws: [[UInt8]] = [
      [0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xE6, 0xBC], [0xFF],
    ]
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 1...14, using: &random) {
      bytes += pieces.randomElement(using: &random) ?? []
    }
    if seed % 2 == 1 {
      let place = Int.random(in: 0...bytes.count, using: &random)
      bytes.insert(contentsOf: flaws.randomElement(using: &random) ?? [], at: place)
    }
    let isValid = Self.isValid(bytes)
    for first in 0...bytes.count {
      #expect(Self.accepts(bytes, cuts: [first]) == isValid)
      let second = Int.random(in: first...bytes.count, using: &random)
      #expect(Self.accepts(bytes, cuts: [first, second]) == isValid)
    }
  }

  @Test(
    "text is refused at the first byte that cannot go on",
    arguments: [
      ([0x61, 0xC0], 1), ([0xE0, 0x9F], 1), ([0xED, 0xA0], 1), ([0xF0, 0x8F], 1),
      ([0xF4, 0x90], 1),
      ([0xF5], 0), ([0xF0, 0x9F, 0x98, 0x41], 3), ([0xC3, 0xC3], 1),
    ])
  func firstBadByte(bytes: [UInt8], position: Int) {
    var validator = UTF8Validator()
    for (index, byte) in bytes.enumerated() {
      let isAccepted = validator.accept([byte].span.bytes)
      #expect(isAccepted == (index < position))
      guard isAccepted else { break }
    }
  }

  /// Compares the verdict on a sequence alone, with text after it that makes room for whole words,
  /// and byte by byte.
  private func judge(_ bytes: [UInt8]) {
    let isValid = Self.isValid(bytes)
    let bytewise = Array(1..<bytes.count)
    let isRight =
      Self.accepts(bytes) == isValid && Self.accepts(bytes + [0x61, 0x61, 0x61]) == isValid
      && Self.accepts(bytes, cuts: bytewise) == isValid
    if !isRight { Issue.record("\(bytes)") }
  }
}

/// A generator that repeats itself from its seed.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
