/// A topic's log that never lets go of anything.
struct PlainLog {
  struct Message {
    let byteCount: Int
    let key: UInt64
    /// Bytes of all before it.
    let firstByte: Int
  }

  private(set) var messages: [Message] = []

  var end: UInt64 { UInt64(messages.count) }
  var endByte: Int { messages.last.map { $0.firstByte + $0.byteCount } ?? 0 }

  mutating func append(_ byteCount: Int, key: UInt64) {
    messages.append(Message(byteCount: byteCount, key: key, firstByte: endByte))
  }

  func byteCount(from ordinal: UInt64) -> Int {
    messages[Int(ordinal)...].reduce(0) { $0 + $1.byteCount }
  }

  /// What a message takes of a history: its entry, too.
  func keptByteCount(from ordinal: UInt64) -> Int {
    byteCount(from: ordinal) + 24 * (messages.count - Int(ordinal))
  }

  /// The oldest message from which there are at most so many bytes to the end.
  func oldest(within byteCount: Int, notBefore ordinal: UInt64) -> UInt64 {
    var oldest = end
    var sum = 0
    while oldest > ordinal {
      sum += messages[Int(oldest) - 1].byteCount
      if sum > byteCount { break }
      oldest -= 1
    }
    return oldest
  }

  /// All bytes of a message: each tells which one it is of, and where it stands. Cut out, and not made each time,
  /// which took most of the fuzzer's.
  static func content(_ byteCount: Int, of ordinal: UInt64) -> ArraySlice<UInt8> {
    contents[Int(ordinal &* 151 % 256)...].prefix(byteCount)
  }

  private static let contents = (0..<256 + messageByteCountMax).map {
    UInt8(truncatingIfNeeded: $0 &* 7)
  }
  private static let messageByteCountMax = 76_501
}
