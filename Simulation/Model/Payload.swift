/// What a message says of itself, so that whoever receives it can tell whose it is, which one, and
/// whether it is whole. All of it is ASCII, to be sent as text as well.
struct Payload {
  enum Kind: UInt8 {
    /// From a session to its peer.
    case direct = 0x44
    /// Of a topic.
    case topic = 0x54
  }

  let kind: Kind
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
  private static let filler: [UInt8] = (0..<8192).map { (index: Int) -> UInt8 in
    let letter: Int = (index * 7 + index / 26) % 26
    return UInt8(97 + letter)
  }

  /// The message, at least as long as its head.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    bytes.append(kind.rawValue)
    Self.append(source, 8, &bytes)
    Self.append(lane, 1, &bytes)
    Self.append(number, 10, &bytes)
    Self.append(operation, 2, &bytes)
    Self.append(argument, 14, &bytes)
    Self.append(byteCount, 8, &bytes)
    Self.fill(&bytes, byteCount, seed: source &+ number)
    return bytes
  }

  /// Nil: these are no message's bytes, or not all of them, or changed.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.headByteCount, let kind = Kind(rawValue: bytes[0]) else { return nil }
    self.kind = kind
    source = Self.number(bytes[1..<9])
    lane = Self.number(bytes[9..<10])
    number = Self.number(bytes[10..<20])
    operation = Self.number(bytes[20..<22])
    argument = Self.number(bytes[22..<36])
    byteCount = Self.number(bytes[36..<44])
    guard byteCount == bytes.count,
      Self.isFilled(bytes, from: Self.headByteCount, seed: source &+ number)
    else { return nil }
  }

  init(
    _ kind: Kind, source: Int, lane: Int = 0, number: Int, operation: Int = 0, argument: Int = 0,
    byteCount: Int
  ) {
    self.kind = kind
    self.source = source
    self.lane = lane
    self.number = number
    self.operation = operation
    self.argument = argument
    self.byteCount = max(byteCount, Self.headByteCount)
  }

  /// A message that is too short for a head.
  static func tiny(_ byteCount: Int, seed: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    fill(&bytes, byteCount, seed: seed)
    return bytes
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

  private static func fill(_ bytes: inout [UInt8], _ count: Int, seed: Int) {
    var start = seed & 4095
    while bytes.count < count {
      let part = min(count - bytes.count, filler.count - start)
      bytes.append(contentsOf: filler[start..<(start + part)])
      start = 0
    }
  }

  private static func isFilled(_ bytes: [UInt8], from first: Int, seed: Int) -> Bool {
    var start = seed & 4095
    var position = first
    while position < bytes.count {
      let part = min(bytes.count - position, filler.count - start)
      guard bytes[position..<(position + part)].elementsEqual(filler[start..<(start + part)]) else {
        return false
      }
      position += part
      start = 0
    }
    return true
  }
}
