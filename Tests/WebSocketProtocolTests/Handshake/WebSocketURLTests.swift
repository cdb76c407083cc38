import Testing
import WebSocketProtocol

@Suite("RFC 6455 §3: a WebSocket's URL")
struct WebSocketURLTests {
  @Test(
    "is taken apart",
    arguments: [
      ("ws://example.com", "example.com", 80, "/", "example.com"),
      ("ws://example.com/", "example.com", 80, "/", "example.com"),
      ("ws://example.com:80/chat", "example.com", 80, "/chat", "example.com"),
      ("ws://example.com:/chat", "example.com", 80, "/chat", "example.com"),
      ("ws://h.example:8080/a/b?c=d&e=%20", "h.example", 8080, "/a/b?c=d&e=%20", "h.example:8080"),
      ("ws://example.com?q", "example.com", 80, "/?q", "example.com"),
      ("ws://example.com:1?a/b?c", "example.com", 1, "/?a/b?c", "example.com:1"),
      ("WS://Example.COM:65535", "Example.COM", 65_535, "/", "Example.COM:65535"),
      ("wS://h:00443/", "h", 443, "/", "h:443"),
      ("ws://127.0.0.1:9/", "127.0.0.1", 9, "/", "127.0.0.1:9"),
      ("ws://[::1]", "::1", 80, "/", "[::1]"),
      ("ws://[::1]:9001/x", "::1", 9001, "/x", "[::1]:9001"),
      ("ws://[2001:DB8::1]:80", "2001:DB8::1", 80, "/", "[2001:DB8::1]"),
      ("ws://[::ffff:1.2.3.4]/", "::ffff:1.2.3.4", 80, "/", "[::ffff:1.2.3.4]"),
      // The zone is for dialing only (RFC 6874 §4).
      ("ws://[fe80::1%2]/", "fe80::1%2", 80, "/", "[fe80::1]"),
      ("ws://[fe80::1%eth0]:81/", "fe80::1%eth0", 81, "/", "[fe80::1]:81"),
      ("ws://a%20b/", "a%20b", 80, "/", "a%20b"),
      ("ws://h//double//", "h", 80, "//double//", "h"),
      ("ws://h/@:[]", "h", 80, "/@:[]", "h"),
    ] as [(String, String, UInt16, String, String)])
  func good(text: String, host: String, port: UInt16, target: String, authority: String) throws {
    let url = try WebSocketURL(text)
    #expect(url.host == host && url.port == port && url.target == target)
    #expect(url.authority == authority)
    // What it says is what it was.
    #expect(try WebSocketURL(url.description) == url)
    _ = try UpgradeRequestBuilder(
      host: url.authority, target: url.target, key: HandshakeKey(nonce: .init(repeating: 0)))
  }

  @Test(
    "is refused, and why",
    arguments: [
      ("", .invalidScheme), ("ws", .invalidScheme), ("ws:", .invalidScheme),
      ("ws:/h", .invalidScheme), ("wss://h", .tlsUnsupported), ("http://h", .invalidScheme),
      (" ws://h", .invalidScheme), ("//h/", .invalidScheme), ("h:80", .invalidScheme),
      ("ws:/\u{301}/h", .invalidScheme), ("ｗｓ://h", .invalidScheme),
      ("ws://", .invalidHost), ("ws:///path", .invalidHost), ("ws://?q", .invalidHost),
      ("ws://:80/", .invalidHost), ("ws://user@h/", .invalidHost), ("ws://@h/", .invalidHost),
      ("ws://user:secret@h/", .invalidHost), ("ws://user:80@h", .invalidHost),
      ("ws://h h/", .invalidHost), ("ws://hé/", .invalidHost), ("ws://h\\x/", .invalidHost),
      ("ws://h\r\nX/", .invalidHost), ("ws://h\u{0}/", .invalidHost),
      ("ws://h\n", .invalidHost), ("ws://h\t/", .invalidHost), ("ws://<h>/", .invalidHost),
      ("ws://[", .invalidHost), ("ws://[]", .invalidHost), ("ws://[::1", .invalidHost),
      ("ws://[::1]x", .invalidHost), ("ws://[h]/", .invalidHost), ("ws://::1/", .invalidHost),
      ("ws://[::1]]", .invalidHost), ("ws://[::1\r\n]/", .invalidHost),
      // Else it would name a Unix socket.
      ("ws://[%a:b]/", .invalidHost), ("ws://[fe80::1%h]h]/", .invalidHost),
      ("ws://[fe80::1%é]/", .invalidHost),
      ("ws://[unix:socket]/", .invalidHost), ("ws://[v1.x:y]/", .invalidHost),
      ("ws://h:0", .invalidPort), ("ws://h:65536", .invalidPort), ("ws://h:+80", .invalidPort),
      ("ws://h:-1", .invalidPort), ("ws://h: 80", .invalidPort), ("ws://h:80 ", .invalidPort),
      ("ws://h:8x", .invalidPort), ("ws://h:８０", .invalidPort), ("ws://h:80:80", .invalidPort),
      ("ws://h:99999999999999999999", .invalidPort), ("ws://h:80\r\n/", .invalidPort),
      ("ws://h\r\nX: y/", .invalidPort),
      ("ws://h/#", .invalidTarget), ("ws://h/a#b", .invalidTarget), ("ws://h#x", .invalidTarget),
      ("ws://h/?a#b", .invalidTarget), ("ws://h/a b", .invalidTarget),
      ("ws://h/é", .invalidTarget), ("ws://h/\t", .invalidTarget),
      ("ws://h/ HTTP/1.1\r\nX: y", .invalidTarget), ("ws://h/\u{7F}", .invalidTarget),
      ("ws://h/\n", .invalidTarget), ("ws://h/\u{0}", .invalidTarget),
    ] as [(String, HandshakeFieldError)])
  func bad(text: String, error: HandshakeFieldError) {
    #expect(throws: error) { try WebSocketURL(text) }
  }

  @Test("of any characters does not trap, and what is accepted can be sent", arguments: 1...4)
  func anything(seed: UInt64) throws {
    var random = SeededNumbers(seed: seed)
    let parts = [
      "ws://", "WS://", "h", "[", "]", "::1", ":", "80", "/", "?", "#", "@", "%", " ", "\r\n",
      "\u{301}", "é", "\u{200D}", "👨‍👩‍👧", "\u{0}", "65536", ".", "-", "\u{FEFF}", "unix:",
    ]
    var acceptedCount = 0
    for _ in 0..<20_000 {
      var text = Bool.random(using: &random) ? "ws://" : ""
      for _ in 0..<Int.random(in: 0...8, using: &random) {
        text += parts.randomElement(using: &random) ?? ""
      }
      guard let url = try? WebSocketURL(text) else { continue }
      acceptedCount += 1
      #expect(url.target.utf8.first == UInt8(ascii: "/"))
      #expect(!url.host.isEmpty && url.port > 0)
      #expect(url.description.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "\(text)")
      _ = try UpgradeRequestBuilder(
        host: url.authority, target: url.target, key: HandshakeKey(nonce: .init(repeating: 0)))
      #expect(try WebSocketURL(url.description) == url)
    }
    #expect(acceptedCount > 500)
  }
}

/// SplitMix64: the same numbers from the same seed.
private struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
