import Testing
import WebSocketProtocol

@Suite("RFC 6455 §5: frames to send")
struct FrameEncoderTests {
  @Test(
    "a frame takes the bytes that were announced, and is heard as it was meant",
    arguments: [0, 1, 22, 125, 126, 127, 65_535, 65_536], [Role.server, .client])
  func encode(byteCount: Int, sender: Role) throws {
    let payload = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let isMasked = sender == .client
    let key = isMasked ? MaskingKey(0xDEAD_BEEF) : nil
    let frameByteCount = FrameEncoder.byteCount(payloadByteCount: byteCount, isMasked: isMasked)
    var frame = [UInt8](repeating: 0xEE, count: frameByteCount + 2)
    var span = frame.mutableSpan
    var output = span.mutableBytes
    let written = FrameEncoder.encode(
      .binary, payload: payload.span.bytes, maskingKey: key, into: &output, at: 1)
    #expect(written == frameByteCount)
    #expect(frame.first == 0xEE && frame.last == 0xEE)

    let receiver: Role = sender == .client ? .server : .client
    let expected = WireFrame.binary(payload).with { $0.key = [0xDE, 0xAD, 0xBE, 0xEF] }
    #expect(Array(frame.dropFirst().dropLast()) == expected.bytes(to: receiver))
  }

  @Test("a fragment and an extension's bit can be written")
  func flags() {
    var frame = [UInt8](repeating: 0, count: 3)
    var span = frame.mutableSpan
    var output = span.mutableBytes
    let payload: [UInt8] = [7]
    FrameEncoder.encode(
      .text, payload: payload.span.bytes, isFinal: false, reservedBits: .rsv1, into: &output)
    #expect(frame == [0x41, 1, 7])
  }

  @Test("a frame is never written behind the end of its memory")
  func noRoom() async {
    await #expect(processExitsWith: .failure) {
      var frame = [UInt8](repeating: 0, count: 4)
      let payload: [UInt8] = [1, 2, 3]
      var span = frame.mutableSpan
      var output = span.mutableBytes
      FrameEncoder.encode(.text, payload: payload.span.bytes, into: &output)
    }
  }
}
