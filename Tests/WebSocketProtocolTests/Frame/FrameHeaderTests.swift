import Testing
import WebSocketProtocol

@Suite("RFC 6455 §5.2: frame headers")
struct FrameHeaderTests {
  private static let key = MaskingKey(0x37FA_213D)

  /// Headers and their bytes, the first ones from the examples of §5.7.
  private static let examples: [(FrameHeader, [UInt8])] = [
    (FrameHeader(opcode: .text, payloadLength: 5), [0x81, 0x05]),
    (
      FrameHeader(opcode: .text, payloadLength: 5, maskingKey: key),
      [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D]
    ),
    (FrameHeader(opcode: .text, payloadLength: 3, isFinal: false), [0x01, 0x03]),
    (FrameHeader(opcode: .continuation, payloadLength: 2), [0x80, 0x02]),
    (FrameHeader(opcode: .ping, payloadLength: 5), [0x89, 0x05]),
    (FrameHeader(opcode: .binary, payloadLength: 256), [0x82, 0x7E, 0x01, 0x00]),
    (
      FrameHeader(opcode: .binary, payloadLength: 65536),
      [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]
    ),
    (FrameHeader(opcode: .binary, payloadLength: 125), [0x82, 0x7D]),
    (FrameHeader(opcode: .binary, payloadLength: 126), [0x82, 0x7E, 0, 126]),
    (FrameHeader(opcode: .binary, payloadLength: 65535), [0x82, 0x7E, 0xFF, 0xFF]),
    (FrameHeader(opcode: .pong, payloadLength: 0, reservedBits: .rsv1), [0xCA, 0x00]),
    (FrameHeader(opcode: .pong, payloadLength: 0, reservedBits: .rsv2), [0xAA, 0x00]),
    (FrameHeader(opcode: .pong, payloadLength: 0, reservedBits: .rsv3), [0x9A, 0x00]),
    (FrameHeader(opcode: Opcode(rawValue: 0xF), payloadLength: 0), [0x8F, 0x00]),
    (
      FrameHeader(opcode: .close, payloadLength: 2, lengthField: .sixteenBits),
      [0x88, 0x7E, 0, 2]
    ),
    (
      FrameHeader(
        opcode: .text, payloadLength: .max, maskingKey: key, lengthField: .sixtyFourBits),
      [0x81, 0xFF] + [UInt8](repeating: 0xFF, count: 8) + [0x37, 0xFA, 0x21, 0x3D]
    ),
  ]

  @Test("a header is written as the RFC draws it", arguments: examples)
  func encode(header: FrameHeader, bytes: [UInt8]) {
    var buffer = [UInt8](repeating: 0xEE, count: bytes.count + 2)
    var span = buffer.mutableSpan
    var output = span.mutableBytes
    let byteCount = header.encode(into: &output, at: 1)
    #expect(byteCount == bytes.count)
    #expect(header.encodedByteCount == bytes.count)
    #expect(buffer == [0xEE] + bytes + [0xEE])
  }

  @Test("a header is read as it was written, and never before it is complete", arguments: examples)
  func parse(header: FrameHeader, bytes: [UInt8]) {
    let whole = FrameHeader.parse(bytes.span.bytes)
    #expect(whole == header)
    let shifted = [0xEE, 0xEE] + bytes + [0xEE]
    let inside = FrameHeader.parse(shifted.span.bytes, at: 2)
    #expect(inside == header)
    for count in 0..<bytes.count {
      let head = Array(bytes[..<count])
      let incomplete = FrameHeader.parse(head.span.bytes)
      #expect(incomplete == nil)
    }
  }

  @Test("every first byte is read and written back, also those that the RFC reserves")
  func everyFirstByte() throws {
    for first in UInt8.min...UInt8.max {
      let bytes = [first, 0]
      let parsed = FrameHeader.parse(bytes.span.bytes)
      let header = try #require(parsed)
      var written: [UInt8] = [0, 0]
      var span = written.mutableSpan
      var output = span.mutableBytes
      header.encode(into: &output)
      #expect(written == bytes)
      #expect(header.isFinal == (first >= 0x80))
      #expect(header.opcode.rawValue == first & 0xF)
      #expect(header.reservedBits.rawValue == first & 0x70)
    }
  }

  @Test("opcodes know what they are")
  func opcodes() {
    let all = (0...15).map { Opcode(rawValue: $0) }
    #expect(all.filter(\.isControl).map(\.rawValue) == Array(8...15))
    #expect(all.filter(\.isReserved).map(\.rawValue) == [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
  }

  @Test("a length that does not fit its field is a mistake of the programmer")
  func lengthField() async {
    await #expect(processExitsWith: .failure) {
      _ = FrameHeader(opcode: .text, payloadLength: 126, lengthField: .sevenBits)
    }
  }
}
