import Testing
import WebSocketProtocol

@Suite("RFC 6455 §4.2.1: reading the client's opening handshake")
struct OpeningHandshakeTests {
  @Test("a handshake that meets the requirements is an upgrade", arguments: RequestScript.openings)
  func accepted(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }

  @Test("one that breaks a requirement is refused for it", arguments: RequestScript.wrongOpenings)
  func refused(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }

  @Test("a request that asks for no WebSocket is plain", arguments: RequestScript.plainRequests)
  func plain(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }

  @Test("an upgrade carries its key, and says where the frames begin")
  func keyAndLength() throws {
    var parser = RequestParser()
    let parsed = parse(Array((opening() + "frames").utf8), with: &parser)
    #expect(parsed.key == handshakeKey("dGhlIHNhbXBsZSBub25jZQ=="))
    #expect(parsed.headByteCount == opening().utf8.count)
  }

  @Test("after a refusal and a longer request the parser is as good as new")
  func reuse() {
    var parser = RequestParser()
    let many = (0..<50).map { "X-\($0): a\r\n" }.joined()
    #expect(parse(Array(opening(more: many).utf8), with: &parser).outcome == .upgrade)
    #expect(parse(Array(opening(key: "").utf8), with: &parser).outcome == .refused(.missingKey))
    #expect(parse(Array("HEAD / HTTP/1.0\r\n\r\n".utf8), with: &parser).outcome == .plain)
    #expect(parser.isHeadRequest == true)
    #expect(parse(Array(opening().utf8), with: &parser).outcome == .upgrade)
    #expect(parser.isHeadRequest == false)
  }

  /// Defect D12 of the predecessor: the version was searched for as a substring of "13".
  @Test(
    "every version but 13 is answered with 426 and the version to speak",
    arguments: ["", "1", "3", "12", "14", "013", "13.0", "130", "13, 13", "8", "0", "1 3"])
  func version(value: String) {
    let outcome = parse(opening(version: "Sec-WebSocket-Version: \(value)\r\n"))
    #expect(outcome == .refused(.unsupportedWebSocketVersion))
    let answer = HandshakeError.unsupportedWebSocketVersion.response.sent()
    #expect(answer.hasPrefix("HTTP/1.1 426 Upgrade Required\r\n"))
    #expect(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"))
  }
}
