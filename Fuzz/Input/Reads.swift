/// In which pieces a stream arrives.
struct Reads {
  /// The lengths of the pieces, over and over again. A piece can be empty.
  let byteCounts: [Int]

  /// Everything at once.
  static let whole = Reads(byteCounts: [])

  /// One byte at a time.
  static let single = Reads(byteCounts: [1])

  /// Where the pieces of a stream of `byteCount` bytes end, in ascending order; the last one ends
  /// with the stream.
  func ends(of byteCount: Int) -> [Int] {
    guard byteCounts.contains(where: { $0 > 0 }) else { return [byteCount] }
    var ends: [Int] = []
    var end = 0
    var next = 0
    while end < byteCount {
      end = min(end + byteCounts[next], byteCount)
      ends.append(end)
      next = (next + 1) % byteCounts.count
    }
    return ends.isEmpty ? [0] : ends
  }

  /// The same as ranges.
  func pieces(of byteCount: Int) -> [Range<Int>] {
    var start = 0
    return ends(of: byteCount).map { end in
      defer { start = end }
      return start..<end
    }
  }
}
