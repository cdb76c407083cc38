import WebSocketProtocol

/// Masking against the loop of RFC 6455 §5.3: in place and on the way to another place, at any
/// address and of any length, at once and in pieces.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let masking = Masking(&input)
  masking.checkApply()
  masking.checkCopy()
  masking.checkPieces()
  return 0
}

private struct Masking {
  private let key: MaskingKey
  private let reads: Reads
  private let bytes: [UInt8]
  /// What is to be masked of them.
  private let range: Range<Int>
  /// The bytes with that range masked.
  private let expected: [UInt8]

  init(_ input: inout FuzzInput) {
    let word = input.word()
    let (before, behind) = (Int(input.byte() % 16), Int(input.byte() % 16))
    key = MaskingKey(word)
    reads = input.reads()
    bytes = input.bytes()
    let lower = min(before, bytes.count)
    range = lower..<max(lower, bytes.count - behind)
    var expected = bytes
    for (index, place) in range.enumerated() {
      expected[place] ^= UInt8(truncatingIfNeeded: word >> UInt32(24 - index % 4 * 8))
    }
    self.expected = expected
  }

  func checkApply() {
    var heap = HeapBytes(bytes)
    var span = heap.mutableSpan
    let isASCII = key.apply(to: &span, in: range)
    promise("in place", heap.array(), equals: expected)
    promise("known to be ASCII", isASCII, equals: expected[range].allSatisfy { $0 < 0x80 })
  }

  func checkCopy() {
    let source = HeapBytes(bytes[range])
    var heap = HeapBytes(bytes)
    var span = heap.mutableSpan
    key.copy(source.span, into: &span, at: range.lowerBound)
    promise("to another place", heap.array(), equals: expected)
  }

  func checkPieces() {
    var heap = HeapBytes(bytes)
    var key = key
    for piece in reads.pieces(of: range.count) {
      let place = range.lowerBound + piece.lowerBound..<range.lowerBound + piece.upperBound
      var span = heap.mutableSpan
      key.apply(to: &span, in: place)
      key = key.advanced(by: piece.count)
    }
    promise("in pieces", heap.array(), equals: expected)
  }
}
