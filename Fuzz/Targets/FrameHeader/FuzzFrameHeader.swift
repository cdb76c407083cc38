import WebSocketProtocol

/// Headers there and back: what is parsed is what the wire says, and is written as it was read.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let offset = Int(input.byte() % 16)
  let bytes = input.bytes()
  let heap = HeapBytes(repeatElement(0xFF, count: offset) + bytes)
  guard let header = FrameHeader.parse(heap.span, at: offset) else {
    promise("only a part of a header is none", bytes.count < wireHeaderByteCount(bytes))
    return 0
  }
  check(header, bytes)
  checkEncoding(of: header, bytes, at: offset)
  checkFrame(of: header, bytes)
  return 0
}

/// The bytes that a header takes, from its first two; `2` when not even those are there.
private func wireHeaderByteCount(_ bytes: [UInt8]) -> Int {
  guard bytes.count >= 2 else { return 2 }
  let lengthByteCount = [126: 2, 127: 8][bytes[1] % 128] ?? 0
  return 2 + lengthByteCount + (bytes[1] >= 128 ? 4 : 0)
}

/// §5.2, bit by bit.
private func check(_ header: FrameHeader, _ bytes: [UInt8]) {
  let byteCount = wireHeaderByteCount(bytes)
  promise("length of the header", header.encodedByteCount, equals: byteCount)
  promise("at most so long", byteCount <= FrameHeader.byteCountMax)
  promise("FIN", header.isFinal, equals: bytes[0] & 0b1000_0000 != 0)
  promise("RSV1", header.reservedBits.contains(.rsv1), equals: bytes[0] & 0b0100_0000 != 0)
  promise("RSV2", header.reservedBits.contains(.rsv2), equals: bytes[0] & 0b0010_0000 != 0)
  promise("RSV3", header.reservedBits.contains(.rsv3), equals: bytes[0] & 0b0001_0000 != 0)
  promise("opcode", header.opcode.rawValue, equals: bytes[0] & 0b0000_1111)
  promise("MASK", header.maskingKey != nil, equals: bytes[1] & 0b1000_0000 != 0)

  let isMasked = header.maskingKey != nil
  let lengthBytes = bytes[2..<byteCount - (isMasked ? 4 : 0)]
  let length =
    lengthBytes.isEmpty ? UInt64(bytes[1] % 128) : lengthBytes.reduce(0) { $0 << 8 | UInt64($1) }
  promise("payload length", header.payloadLength, equals: length)
  if let key = header.maskingKey {
    let keyBytes = bytes[byteCount - 4..<byteCount]
    promise("masking key", key.value, equals: keyBytes.reduce(0) { $0 << 8 | UInt32($1) })
  }
}

/// Written to the same place, the bytes around it stay as they are.
private func checkEncoding(of header: FrameHeader, _ bytes: [UInt8], at offset: Int) {
  let byteCount = header.encodedByteCount
  var heap = HeapBytes(repeatElement(0xFF, count: offset + byteCount))
  var span = heap.mutableSpan
  promise("bytes written", header.encode(into: &span, at: offset), equals: byteCount)
  let around = Array(repeating: 0xFF as UInt8, count: offset)
  promise("written as it was read", heap.array(), equals: around + bytes.prefix(byteCount))
  for end in 0..<byteCount {
    let beginning = HeapBytes(bytes[..<end])
    promise("no header before its last byte", FrameHeader.parse(beginning.span) == nil)
  }
}

/// A frame with what follows the header for its payload, whatever length the header declares.
private func checkFrame(of header: FrameHeader, _ bytes: [UInt8]) {
  let payload = HeapBytes(bytes[header.encodedByteCount...])
  let byteCount = FrameEncoder.byteCount(
    payloadByteCount: payload.byteCount, isMasked: header.maskingKey != nil)
  var frame = HeapBytes(repeatElement(0, count: byteCount))
  var span = frame.mutableSpan
  let written = FrameEncoder.encode(
    header.opcode, payload: payload.span, isFinal: header.isFinal,
    reservedBits: header.reservedBits, maskingKey: header.maskingKey, into: &span)
  promise("bytes of a frame", written, equals: byteCount)

  var expected = header
  expected.payloadLength = UInt64(payload.byteCount)
  expected.lengthField = .minimal(for: expected.payloadLength)
  promise("the frame's header", FrameHeader.parse(frame.span), equals: expected)
  let range = expected.encodedByteCount..<byteCount
  var unmasked = frame.mutableSpan
  header.maskingKey?.apply(to: &unmasked, in: range)
  promise("the frame's payload", frame.array(range), equals: payload.array())
}
