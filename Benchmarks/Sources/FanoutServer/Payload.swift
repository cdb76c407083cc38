/// The payload of one message after the other, in the same bytes: the time of publishing (16
/// hexadecimal digits), the message's number (8), and `x` up to its size.
struct Payload {
  static let byteCountMin = 32
  private static let timeDigitCount = 16
  private static let numberDigitCount = 8

  private(set) var bytes: [UInt8]

  init(byteCount: Int) {
    bytes = Array(repeating: UInt8(ascii: "x"), count: byteCount)
  }

  mutating func fill(nanoseconds: UInt64, number: Int) {
    write(nanoseconds, digitCount: Self.timeDigitCount, at: 0)
    write(UInt64(number), digitCount: Self.numberDigitCount, at: Self.timeDigitCount)
  }

  private mutating func write(_ value: UInt64, digitCount: Int, at start: Int) {
    var rest = value
    for index in (start..<start + digitCount).reversed() {
      let digit = UInt8(rest & 0xF)
      bytes[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      rest >>= 4
    }
  }
}
