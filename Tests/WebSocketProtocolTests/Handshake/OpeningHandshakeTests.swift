import Testing
import WebSocketProtocol

@Suite("RFC 6455 §4.2.1: reading the client's opening handshake")
struct OpeningHandshakeTests {
  @Test("the handshake of §1.2 is an upgrade with its key, and the view shows its parts")
  func example() throws {
    let script = upgrade(
      more: "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n")
    let key = try #require(handshakeKey("dGhlIHNhbXBsZSBub25jZQ=="))
    #expect(parse(script) == .upgrade(key, headByteCount: script.utf8.count))
  }

  @Test("a parser in a class lends its request to a call")
  func inClass() throws {
    final class Owner {
      var parser = RequestParser()
      func run(_ bytes: [UInt8]) throws -> String {
        var search = HeadSearch()
        _ = try parser.parse(bytes.span.bytes, search: &search)
        return parser.withRequest(in: bytes.span.bytes) { hook($0) }
      }
      func hook(_ request: borrowing HTTPRequest) -> String { request.path }
    }
    #expect(try Owner().run(Array(upgrade().utf8)) == "/chat")
  }
}
