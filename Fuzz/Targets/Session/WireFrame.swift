/// A frame by the letter of RFC 6455 §5.2.
struct WireFrame {
  let isFinal: Bool
  /// RSV1 to RSV3 as a number.
  let reservedBits: UInt8
  let opcode: UInt8
  let isMasked: Bool
  /// The bytes that carry the length besides the seven bits.
  let lengthByteCount: Int
  /// As declared.
  let length: UInt64
  /// As much of it as has come, unmasked.
  let payload: [UInt8]
  /// What has come of the frame.
  let byteCount: Int

  var isComplete: Bool { payload.count == length }

  /// Whether the frame is part of a message.
  var isData: Bool { opcode < 8 }

  /// The frame at the start of `wire`; `nil` when not all of its header has come.
  init?(_ wire: ArraySlice<UInt8>) {
    let bytes = Array(wire)
    guard bytes.count >= 2 else { return nil }
    isFinal = bytes[0] / 128 == 1
    reservedBits = bytes[0] / 16 % 8
    opcode = bytes[0] % 16
    isMasked = bytes[1] / 128 == 1
    lengthByteCount = bytes[1] % 128 == 127 ? 8 : bytes[1] % 128 == 126 ? 2 : 0

    let keyStart = 2 + lengthByteCount
    let payloadStart = keyStart + (isMasked ? 4 : 0)
    guard bytes.count >= payloadStart else { return nil }
    length =
      lengthByteCount == 0
      ? UInt64(bytes[1] % 128) : bytes[2..<keyStart].reduce(0) { $0 * 256 + UInt64($1) }
    let key = isMasked ? Array(bytes[keyStart..<payloadStart]) : [0, 0, 0, 0]
    payload = bytes[payloadStart...].prefix(Int(clamping: length)).enumerated().map {
      $1 ^ key[$0 % 4]
    }
    byteCount = payloadStart + payload.count
  }
}
