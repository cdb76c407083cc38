import Testing
import WebSocketProtocol

@Suite("A WebSocket's URL")
struct WebSocketURLTests {
  @Test(
    "names host, port and target, as the request says them",
    arguments: [
      ("ws://localhost", "localhost", 80, "/", "localhost"),
      ("WS://localhost/", "localhost", 80, "/", "localhost"),
      (
        "ws://example.com:8080/chat?room=1", "example.com", 8080, "/chat?room=1", "example.com:8080"
      ),
      ("ws://example.com:/a", "example.com", 80, "/a", "example.com"),
      ("ws://example.com?a=b", "example.com", 80, "/?a=b", "example.com"),
      ("ws://[::1]", "::1", 80, "/", "[::1]"),
      ("ws://[fe80::1]:9000/x", "fe80::1", 9000, "/x", "[fe80::1]:9000"),
      ("ws://127.0.0.1:65535/", "127.0.0.1", 65535, "/", "127.0.0.1:65535"),
    ] as [(String, String, UInt16, String, String)])
  func parts(text: String, host: String, port: UInt16, target: String, authority: String) throws {
    let url = try WebSocketURL(text)
    #expect(url.host == host && url.port == port && url.target == target)
    #expect(url.authority == authority)
    #expect(url.description == "ws://\(authority)\(target)")
    #expect(try WebSocketURL(url.description) == url)
  }

  @Test(
    "is refused with what is wrong",
    arguments: [
      ("", .invalidScheme), ("localhost:8080", .invalidScheme), ("http://a/", .invalidScheme),
      ("wss://a/", .invalidScheme), ("ws:/a", .invalidScheme),
      ("ws://", .invalidHost), ("ws:///a", .invalidHost), ("ws://:80/", .invalidHost),
      ("ws://user@host/", .invalidHost), ("ws://[::1", .invalidHost), ("ws://[::1]a", .invalidHost),
      ("ws://[name]/", .invalidHost), ("ws://a b/", .invalidHost),
      ("ws://a\r\nX/", .invalidHost),
      ("ws://a:0/", .invalidPort), ("ws://a:65536/", .invalidPort), ("ws://a:x/", .invalidPort),
      ("ws://a:+1/", .invalidPort), ("ws://a:99999999999999999999/", .invalidPort),
      ("ws://a/#b", .invalidTarget), ("ws://a#b", .invalidTarget), ("ws://a/b c", .invalidTarget),
      ("ws://a/\r\nX: b", .invalidTarget), ("ws://a/é", .invalidTarget),
      ("ws://a/\u{0}", .invalidTarget),
    ] as [(String, HandshakeFieldError)])
  func refused(text: String, error: HandshakeFieldError) {
    #expect(throws: error) { try WebSocketURL(text) }
  }
}
