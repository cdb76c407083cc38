import Testing
import WebSocketProtocol

@Suite("RFC 6455 §5.3: masking")
struct MaskingTests {
  private static let key = MaskingKey(0x37FA_213D)
  private static let keyBytes: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

  /// The algorithm as the RFC writes it down: transformed-octet-i = original-octet-i XOR
  /// masking-key-octet-(i MOD 4).
  private static func plain(_ bytes: ArraySlice<UInt8>, phase: Int) -> [UInt8] {
    bytes.enumerated().map { $1 ^ keyBytes[($0 + phase) % 4] }
  }

  @Test("the example of §5.7 is unmasked to Hello")
  func example() {
    var bytes: [UInt8] = [0x7F, 0x9F, 0x4D, 0x51, 0x58]
    var span = bytes.mutableSpan
    var output = span.mutableBytes
    let isASCII = Self.key.apply(to: &output, in: 0..<5)
    #expect(isASCII)
    #expect(String(decoding: bytes, as: UTF8.self) == "Hello")
  }

  @Test("a key has its bytes in the order of the wire")
  func value() {
    #expect(Self.key.value == 0x37FA_213D)
    #expect(Self.key.advanced(by: 1).value == 0xFA21_3D37)
    #expect(Self.key.advanced(by: 6) == Self.key.advanced(by: 2))
    #expect(Self.key.advanced(by: 8) == Self.key)
  }

  @Test(
    "every length at every alignment is masked as by the plain loop, and nothing around it",
    arguments: 0..<4)
  func everyLength(phase: Int) {
    let key = Self.key.advanced(by: phase)
    let original = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    for byteCount in 0...200 {
      for alignment in 0..<33 {
        let range = alignment..<alignment + byteCount
        let masked = Self.plain(original[range], phase: phase)
        let expected = original[..<alignment] + masked + original[range.upperBound...]
        var inPlace = original
        var inPlaceSpan = inPlace.mutableSpan
        var output = inPlaceSpan.mutableBytes
        key.apply(to: &output, in: range)
        #expect(inPlace == Array(expected))

        var copied = original
        var copiedSpan = copied.mutableSpan
        var copyOutput = copiedSpan.mutableBytes
        key.copy(original.span.bytes.extracting(range), into: &copyOutput, at: alignment)
        #expect(copied == Array(expected))
      }
    }
  }

  @Test("unmasking says whether the text is ASCII, wherever the other byte stands")
  func isASCII() {
    for byteCount in 0...140 {
      for position in -1..<byteCount {
        var text = [UInt8](repeating: 0x7F, count: byteCount)
        if position >= 0 { text[position] = 0x80 }
        var bytes = Self.plain(text[...], phase: 0)
        var span = bytes.mutableSpan
        var output = span.mutableBytes
        let isASCII = Self.key.apply(to: &output, in: 0..<byteCount)
        #expect(isASCII == (position < 0))
      }
    }
  }

  @Test("a range behind the end of the bytes is a mistake of the programmer")
  func range() async {
    await #expect(processExitsWith: .failure) {
      var bytes: [UInt8] = [1, 2, 3]
      var span = bytes.mutableSpan
      var output = span.mutableBytes
      MaskingKey(1).apply(to: &output, in: 1..<4)
    }
  }
}
