import Testing
import WebSocketProtocol

@Suite("RFC 6455 §4.2.2: choosing a subprotocol")
struct SubprotocolTests {
  /// A defect of the predecessor: the list was split at commas only, so " superchat" with its
  /// space was what the client had offered.
  @Test("spaces after commas and several lines make no difference")
  func offers() {
    let script = opening(
      more: "Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Protocol: v2\r\n")
    #expect(withRequest(script) { $0.subprotocols } == ["chat", "superchat", "v2"])
    #expect(withRequest(script) { $0.selectSubprotocol(from: ["superchat"]) } == .some("superchat"))
    #expect(withRequest(script) { $0.offersSubprotocol("v2") } == true)
    #expect(withRequest(script) { $0.offersSubprotocol(" superchat") } == false)
  }

  /// A defect of the predecessor: the client's first choice was returned, which the server had
  /// never heard of.
  @Test("if none of the client's is supported there is none")
  func noMatch() throws {
    let script = opening(more: "Sec-WebSocket-Protocol: chat, superchat\r\n")
    #expect(withRequest(script) { $0.selectSubprotocol(from: ["mqtt", "Chat"]) } == .some(nil))
    #expect(withRequest(script) { $0.selectSubprotocol(from: []) } == .some(nil))
    #expect(withRequest(opening()) { $0.selectSubprotocol(from: ["chat"]) } == .some(nil))
    let key = try #require(handshakeKey("dGhlIHNhbXBsZSBub25jZQ=="))
    #expect(!(try UpgradeResponse(for: key).sent().contains("Sec-WebSocket-Protocol")))
  }

  @Test("of several the server's preference decides")
  func preference() {
    let script = opening(more: "Sec-WebSocket-Protocol: a, b, c\r\n")
    #expect(withRequest(script) { $0.selectSubprotocol(from: ["x", "c", "b"]) } == .some("c"))
  }
}

@Suite("RFC 6455 §10.2: origins")
struct OriginTests {
  @Test(
    "an origin is permitted if scheme, host and port are the same",
    arguments: [
      ("https://example.com", true), ("HTTPS://Example.COM", true),
      ("https://example.com:443", true), ("http://localhost:8080", true),
      ("http://example.com", false), ("https://example.com:8443", false),
      ("http://localhost", false), ("https://example.com.evil.org", false),
      ("https://evil.example.com", false), ("https://example.com/", false), ("null", false),
      ("", false), ("*", false),
    ])
  func permitted(origin: String, expected: Bool) {
    let policy = OriginPolicy(allowing: ["https://example.com", "http://LOCALHOST:8080"])
    #expect(policy.permits(origin) == expected)
    let script = opening(more: "Origin: \(origin)\r\n")
    #expect(withRequest(script) { policy.permits($0) } == expected)
  }

  @Test("a missing origin is refused unless it is permitted")
  func missing() {
    #expect(!OriginPolicy(allowing: ["http://a"]).permits(nil))
    #expect(OriginPolicy(allowing: ["http://a"], permitsMissing: true).permits(nil))
    #expect(!OriginPolicy(allowing: ["http://a"], permitsMissing: true).permits("http://b"))
    #expect(withRequest(opening()) { OriginPolicy(allowing: []).permits($0) } == false)
  }

  @Test("an asterisk permits any origin, and none")
  func any() {
    #expect(OriginPolicy.any.permits("http://a"))
    #expect(OriginPolicy.any.permits("null"))
    #expect(OriginPolicy.any.permits(nil))
  }

  @Test("a default port in the list makes no difference either")
  func defaultPort() {
    #expect(OriginPolicy(allowing: ["http://a:80"]).permits("http://a"))
    #expect(!OriginPolicy(allowing: ["http://a:443"]).permits("http://a"))
  }
}

@Suite("RFC 6455 §9.1: extensions")
struct ExtensionTests {
  @Test("offers are read with their parameters, over several lines")
  func offers() {
    let script = opening(
      more: """
        Sec-WebSocket-Extensions: foo, bar; baz=2 ;\tq\r
        Sec-WebSocket-Extensions: permessage-deflate;client_max_window_bits="1\\0",\r\n
        """)
    #expect(
      withRequest(script) { $0.extensionOffers } == [
        WebSocketExtension("foo"),
        WebSocketExtension("bar", parameters: [.init("baz", "2"), .init("q")]),
        WebSocketExtension(
          "permessage-deflate", parameters: [.init("client_max_window_bits", "10")]),
      ])
    #expect(withRequest(opening()) { $0.extensionOffers } == [])
  }

  @Test(
    "nothing between semicolons, or behind the last one, is passed over",
    arguments: [
      ("a;", [WebSocketExtension("a")]), ("a ; \t", [WebSocketExtension("a")]),
      ("a;;;", [WebSocketExtension("a")]),
      ("a; ;b;", [WebSocketExtension("a", parameters: [.init("b")])]),
      (
        "a;, b;;c=d",
        [WebSocketExtension("a"), WebSocketExtension("b", parameters: [.init("c", "d")])]
      ),
      ("a;\r\nSec-WebSocket-Extensions: b", [WebSocketExtension("a"), WebSocketExtension("b")]),
    ])
  func emptyParameters(value: String, expected: [WebSocketExtension]) {
    let script = opening(more: "Sec-WebSocket-Extensions: \(value)\r\n")
    #expect(parse(script) == .upgrade)
    #expect(withRequest(script) { $0.extensionOffers } == expected)
  }

  @Test(
    "what else breaks the grammar is refused",
    arguments: [
      ";", "; a", "a, ;", "a;b;;=", "a; b=", "a; =b", "a b", "a; b=\"", "a; b=\"\"", "a; b=\"c d\"",
      "a; b=\"c\\", "a; b=\"c\"d", "\"a\"", "a=b", "a; b c", "a, b/c",
    ])
  func malformed(value: String) {
    let script = opening(more: "Sec-WebSocket-Extensions: \(value)\r\n")
    #expect(parse(script) == .refused(.invalidExtensions))
  }
}
