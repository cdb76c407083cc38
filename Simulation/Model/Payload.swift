/// What a message says of itself, so that whoever receives it can tell whose it is, which one, and
/// whether it is whole.
struct Payload {
  enum Kind {
    /// From a session to its peer.
    case direct
    /// Of a topic.
    case topic
  }

  let kind: Kind
  /// It is sent as text, and has characters of one to four bytes; else bytes that are no UTF-8.
  let isText: Bool
  /// Of a direct one: the sending session. Of a topic's: the topic.
  let source: Int
  let lane: Int
  /// Of a direct one: which of its lane. Of a topic's: the ordinal.
  let number: Int
  let operation: Int
  let argument: Int
  let byteCount: Int

  /// Shorter messages do not say what they are.
  static let headByteCount = 1 + 8 + 1 + 10 + 2 + 14 + 8

  private static let digits = Array("0123456789abcdef".utf8)
  /// Bytes of a group of characters, as texts are made up of.
  private static let groupByteCount = 12
  private static let letters: [UInt8] = (0..<8184).map { (index: Int) -> UInt8 in
    let letter: Int = (index * 7 + index / 26) % 26
    return UInt8(97 + letter)
  }
  private static let binary: [UInt8] = (0..<8184).map { (index: Int) -> UInt8 in
    let value: Int = index * 7 + index / 256
    return UInt8(truncatingIfNeeded: value)
  }
  private static let text: [UInt8] = (0..<682).flatMap { (index: UInt32) -> [UInt8] in
    var characters = "a"
    let values: [UInt32] = [0xC0 + index % 64, 0x4E00 + index, 0x1F300 + index % 256, 65, 33]
    for value in values {
      Unicode.Scalar(value).map { characters.unicodeScalars.append($0) }
    }
    return Array(characters.utf8)
  }

  /// The message, at least as long as its head.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    bytes.append(letter)
    Self.append(source, 8, &bytes)
    Self.append(lane, 1, &bytes)
    Self.append(number, 10, &bytes)
    Self.append(operation, 2, &bytes)
    Self.append(argument, 14, &bytes)
    Self.append(byteCount, 8, &bytes)
    forEachPart { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Nil: these are no message's bytes, or not all of them, or changed.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.headByteCount else { return nil }
    switch bytes[0] {
    case UInt8(ascii: "D"): (kind, isText) = (.direct, true)
    case UInt8(ascii: "d"): (kind, isText) = (.direct, false)
    case UInt8(ascii: "T"): (kind, isText) = (.topic, true)
    case UInt8(ascii: "t"): (kind, isText) = (.topic, false)
    default: return nil
    }
    source = Self.number(bytes[1..<9])
    lane = Self.number(bytes[9..<10])
    number = Self.number(bytes[10..<20])
    operation = Self.number(bytes[20..<22])
    argument = Self.number(bytes[22..<36])
    byteCount = Self.number(bytes[36..<44])
    guard byteCount == bytes.count else { return nil }
    var position = Self.headByteCount
    var isFilled = true
    forEachPart { part in
      isFilled = isFilled && bytes[position..<(position + part.count)].elementsEqual(part)
      position += part.count
    }
    guard isFilled else { return nil }
  }

  init(
    _ kind: Kind, isText: Bool, source: Int, lane: Int = 0, number: Int, operation: Int = 0,
    argument: Int = 0, byteCount: Int
  ) {
    self.kind = kind
    self.isText = isText
    self.source = source
    self.lane = lane
    self.number = number
    self.operation = operation
    self.argument = argument
    self.byteCount = max(byteCount, Self.headByteCount)
  }

  /// A message that is too short for a head: letters, whatever it is sent as.
  static func tiny(_ byteCount: Int, seed: Int) -> [UInt8] {
    let start = seed & 4095
    return Array(letters[start..<(start + byteCount)])
  }

  private var letter: UInt8 {
    switch (kind, isText) {
    case (.direct, true): UInt8(ascii: "D")
    case (.direct, false): UInt8(ascii: "d")
    case (.topic, true): UInt8(ascii: "T")
    case (.topic, false): UInt8(ascii: "t")
    }
  }

  private static func append(_ value: Int, _ count: Int, _ bytes: inout [UInt8]) {
    for position in stride(from: count - 1, through: 0, by: -1) {
      bytes.append(digits[value >> (4 * position) & 15])
    }
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int {
    var number = 0
    for digit in digits {
      let value = digit <= 57 ? Int(digit) - 48 : Int(digit) - 87
      number = number << 4 | (value & 15)
    }
    return number
  }

  /// Calls `body` with what stands behind the head, part by part: whole characters of a text, and
  /// letters where no group of them fits any more.
  private func forEachPart(_ body: (ArraySlice<UInt8>) -> Void) {
    let filler = isText ? Self.text : Self.binary
    var rest = byteCount - Self.headByteCount
    var start = ((source &+ number) & 255) * Self.groupByteCount
    while case let whole = isText ? rest / Self.groupByteCount * Self.groupByteCount : rest,
      whole > 0
    {
      let part = min(whole, filler.count - start)
      body(filler[start..<(start + part)])
      rest -= part
      start = 0
    }
    body(Self.letters[..<rest])
  }
}

/// What a frame takes on the wire (RFC 6455 §5.2).
enum Frame {
  static func byteCount(_ payloadByteCount: Int, isMasked: Bool) -> Int {
    let header = payloadByteCount < 126 ? 2 : payloadByteCount < 65_536 ? 4 : 10
    return header + (isMasked ? 4 : 0) + payloadByteCount
  }
}
