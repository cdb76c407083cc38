import WebSocketProtocol

/// The validator against the standard library: the same verdict at every split, and at the first
/// byte that cannot be right.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let reads = input.reads()
  let bytes = input.bytes()

  let beginningByteCount = PlainText.beginningByteCount(of: bytes)
  let verdict: Verdict =
    beginningByteCount < bytes.count
    ? .refused : PlainText.isText(bytes) ? .complete : .incomplete

  promise("read at once", Verdict(on: bytes, read: .whole), equals: verdict)
  promise("read as chosen", Verdict(on: bytes, read: reads), equals: verdict)
  promise("read byte by byte", Verdict(on: bytes, read: .single), equals: verdict)
  for cut in bytes.indices.dropFirst() {
    let halves = Reads(byteCounts: [cut, bytes.count - cut])
    promise("cut at \(cut)", Verdict(on: bytes, read: halves), equals: verdict)
  }

  var validator = UTF8Validator()
  let acceptedByteCount = bytes.prefix { validator.accept(HeapBytes([$0]).span) }.count
  promise("refused at its first bad byte", acceptedByteCount, equals: beginningByteCount)
  return 0
}

private enum Verdict: Equatable {
  case complete
  /// Ends inside a character.
  case incomplete
  case refused

  init(on bytes: [UInt8], read reads: Reads) {
    var validator = UTF8Validator()
    for piece in reads.pieces(of: bytes.count) {
      guard validator.accept(HeapBytes(bytes[piece]).span) else {
        self = .refused
        return
      }
    }
    self = validator.isComplete ? .complete : .incomplete
  }
}
