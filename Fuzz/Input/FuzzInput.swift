/// What the fuzzer has made up, taken apart from its front: choices first, then the bytes on trial.
struct FuzzInput {
  private var rest: ArraySlice<UInt8>

  init(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) {
    rest = unsafe Array(UnsafeBufferPointer(start: start, count: byteCount))[...]
  }

  /// Whether all have been taken.
  var isEmpty: Bool { rest.isEmpty }

  /// The next byte; 0 when all are taken, so that every input means something.
  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  /// One of `choices`, by the next byte.
  mutating func choose<Choice>(from choices: [Choice]) -> Choice {
    choices[Int(byte()) % choices.count]
  }

  /// The next four bytes, the first one most significant.
  mutating func word() -> UInt32 {
    (0..<4).reduce(0) { word, _ in word << 8 | UInt32(byte()) }
  }

  /// In which pieces the bytes arrive: a count of at most seven, then so many byte counts.
  mutating func reads() -> Reads {
    Reads(byteCounts: (0..<byte() % 8).map { _ in Int(byte()) })
  }

  /// Everything that no choice has taken.
  mutating func bytes() -> [UInt8] {
    defer { rest = [] }
    return Array(rest)
  }
}
