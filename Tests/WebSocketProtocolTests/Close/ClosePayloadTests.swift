import Testing
import WebSocketProtocol

@Suite("RFC 6455 §5.5.1, §7.4: close payloads")
struct ClosePayloadTests {
  private func encode(_ code: CloseCode?, _ reason: String = "") -> [UInt8] {
    let byteCount = ClosePayload.byteCount(code: code, reason: reason)
    var bytes = [UInt8](repeating: 0xEE, count: byteCount + 2)
    var span = bytes.mutableSpan
    var output = span.mutableBytes
    let written = ClosePayload.encode(code: code, reason: reason, into: &output, at: 1)
    #expect(written == byteCount)
    #expect(bytes.first == 0xEE && bytes.last == 0xEE)
    return Array(bytes.dropFirst().dropLast())
  }

  @Test("a payload is a code, big-endian, and a reason")
  func codeAndReason() {
    #expect(encode(.normalClosure, "bye") == [0x03, 0xE8] + Array("bye".utf8))
    #expect(encode(CloseCode(rawValue: 4999)) == [0x13, 0x87])
    #expect(encode(nil).isEmpty)
    #expect(encode(nil, "without a code there is no reason").isEmpty)
  }

  @Test(
    "a long reason is cut after the last character that fits",
    arguments: [
      (String(repeating: "x", count: 123), 123), (String(repeating: "x", count: 124), 123),
      (String(repeating: "x", count: 122) + "é", 122),
      (String(repeating: "x", count: 121) + "é", 123),
      (String(repeating: "漢", count: 41), 123), (String(repeating: "漢", count: 50), 123),
      ("x" + String(repeating: "漢", count: 50), 121), (String(repeating: "😀", count: 40), 120),
      (String(repeating: "x", count: 100_000), 123),
    ])
  func longReason(reason: String, byteCount: Int) {
    let payload = encode(.goingAway, reason)
    #expect(payload.count == 2 + byteCount)
    let cut = String(validating: payload.dropFirst(2), as: UTF8.self)
    #expect(cut.map { reason.hasPrefix($0) } == true)
  }

  @Test("what is written is read again")
  func parse() throws {
    let payload = [0xEE] + encode(.goingAway, "tschüß") + [0xEE]
    let (code, reason) = try ClosePayload.parse(payload.span.bytes, in: 1..<payload.count - 1)
    #expect(code == .goingAway)
    #expect(String(decoding: payload[reason], as: UTF8.self) == "tschüß")
  }

  @Test("a code that no frame may carry is a mistake of the programmer")
  func invalidCode() async {
    await #expect(processExitsWith: .failure) {
      var bytes: [UInt8] = [0, 0]
      var span = bytes.mutableSpan
      var output = span.mutableBytes
      ClosePayload.encode(code: .abnormalClosure, into: &output)
    }
  }

  @Test("the codes on the wire are those that the registry assigns, and 3000 to 4999")
  func codes() {
    let valid = (UInt16.min...UInt16.max).filter { CloseCode(rawValue: $0).isValidOnWire }
    #expect(valid == Array(1000...1003) + Array(1007...1014) + Array(3000...4999))
  }

  @Test(
    "every protocol error has a code and a reason that a close frame can carry",
    arguments: ProtocolError.allCases)
  func errors(error: ProtocolError) {
    let expected: CloseCode =
      switch error {
      case .invalidText, .invalidCloseReason: CloseCode(rawValue: 1007)
      case .frameTooBig, .messageTooBig: CloseCode(rawValue: 1009)
      default: CloseCode(rawValue: 1002)
      }
    #expect(error.closeCode == expected)
    #expect(!error.reason.isEmpty)
    #expect(error.reason.utf8.count <= ClosePayload.reasonByteCountMax)
  }
}
