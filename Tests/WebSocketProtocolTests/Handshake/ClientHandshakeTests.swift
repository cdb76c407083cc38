import Testing
import WebSocketProtocol

@Suite("RFC 6455 §4.1: the client's side")
struct ClientHandshakeTests {
  private func key() throws -> HandshakeKey {
    try #require(handshakeKey("dGhlIHNhbXBsZSBub25jZQ=="))
  }

  @Test("the request has what the RFC asks for, and what the program adds")
  func request() throws {
    var headers = HTTPHeaders()
    try headers.add("Authorization", "Bearer x")
    let request = try UpgradeRequestBuilder(
      host: "example.com:8080", target: "/chat?a=b", key: key(), subprotocols: ["v1", "v2"],
      extensions: [WebSocketExtension("permessage-deflate")], origin: "http://example.com",
      headers: headers)
    #expect(
      request.sent() == """
        GET /chat?a=b HTTP/1.1\r
        Host: example.com:8080\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Origin: http://example.com\r
        Sec-WebSocket-Protocol: v1, v2\r
        Sec-WebSocket-Extensions: permessage-deflate\r
        Authorization: Bearer x\r
        \r\n
        """)
    #expect(parse(request.sent()) == .upgrade)
  }

  @Test("client and server agree: what one writes the other accepts")
  func roundTrip() throws {
    let request = try UpgradeRequestBuilder(host: "[::1]:9", key: key(), subprotocols: ["v1"])
    let text = request.sent()
    let chosen = withRequest(text) { $0.selectSubprotocol(from: ["v1"]) } ?? nil
    let response = try UpgradeResponse(for: key(), subprotocol: chosen).sent()
    let bytes = Array(response.utf8)
    var parser = ResponseParser()
    var search = HeadSearch()
    let outcome = try parser.parse(bytes.span.bytes, search: &search, answering: request)
    guard case .upgraded(let head, "v1", []) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(head.byteCount == bytes.count)
  }

  @Test("what could not be written as meant is refused")
  func unwritable() throws {
    let key = try key()
    for host in ["", "a b", "a/b", "a\r\nX: b", "me@a", "a:b", "::1"] {
      #expect(throws: HandshakeFieldError.invalidHost) {
        try UpgradeRequestBuilder(host: host, key: key)
      }
    }
    for target in ["", "chat", "/a b", "/a#b", "/ä", "/\r\n"] {
      #expect(throws: HandshakeFieldError.invalidTarget) {
        try UpgradeRequestBuilder(host: "a", target: target, key: key)
      }
    }
    for subprotocols in [[""], ["a b"], ["a", "a"], ["a,b"]] {
      #expect(throws: HandshakeFieldError.invalidSubprotocol) {
        try UpgradeRequestBuilder(host: "a", key: key, subprotocols: subprotocols)
      }
    }
    #expect(throws: HandshakeFieldError.invalidExtension) {
      try UpgradeRequestBuilder(host: "a", key: key, extensions: [WebSocketExtension("a;b")])
    }
    #expect(throws: HandshakeFieldError.invalidValue) {
      try UpgradeRequestBuilder(host: "a", key: key, origin: "http://a\r\nX: b")
    }
  }

  @Test("an answer that meets the requirements opens", arguments: ResponseScript.accepted)
  func accepted(script: ResponseScript) throws {
    let outcome = try parse(Array(script.text.utf8), offering: script.request)
    #expect(script.expected.matches(outcome), "\(outcome)")
  }

  @Test("one that breaks a requirement fails for it", arguments: ResponseScript.failed)
  func failed(script: ResponseScript) throws {
    let outcome = try parse(Array(script.text.utf8), offering: script.request)
    #expect(script.expected.matches(outcome), "\(outcome)")
  }

  @Test("another status is reported as it is", arguments: ResponseScript.otherStatuses)
  func otherStatus(script: ResponseScript) throws {
    let outcome = try parse(Array(script.text.utf8), offering: script.request)
    #expect(script.expected.matches(outcome), "\(outcome)")
  }

  @Test("frames that arrive with the answer begin where its head ends")
  func frames() throws {
    let outcome = try parse(Array((answer() + "frames").utf8)).get()
    guard case .upgraded(let head, nil, []) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(head.byteCount == answer().utf8.count)
  }

  @Test("a redirect tells where to")
  func redirect() throws {
    let text = "HTTP/1.1 307 Go there\r\nlocation: ws://b/\r\nA: 1\r\nA: 2\r\n\r\n"
    guard case .refused(let head) = try parse(Array(text.utf8)).get() else {
      Issue.record("not refused")
      return
    }
    #expect(head.status == HTTPStatus(307))
    #expect(head.reasonPhrase == "Go there")
    #expect(head.header(named: "Location") == "ws://b/")
    #expect(head.headers.map(\.value) == ["ws://b/", "1", "2"])
  }

  @Test("a fold in a value is one space, and the head is as long as it was sent")
  func folds() throws {
    let text = "HTTP/1.1 403 No\r\nA: 1 \t\r\n \t2\r\n \r\n\t3 4\r\nB:\r\n 5\r\n\r\n"
    guard case .refused(let head) = try parse(Array((text + "body").utf8)).get() else {
      Issue.record("not refused")
      return
    }
    #expect(head.headers.map { "\($0.name)=\($0.value)" } == ["A=1 2 3 4", "B=5"])
    #expect(head.byteCount == text.utf8.count)
  }

  @Test("a field in many lines counts once, and its bytes count as they are sent")
  func foldLimits() throws {
    let fold = String(repeating: "\r\n a", count: 20)
    let text = "HTTP/1.1 403 No\r\nA: 1\(fold)\r\nB: 2\r\n\r\n"
    let size = text.utf8.count
    let limits = { HandshakeLimits(headByteCountMax: $0, headerCountMax: $1) }
    guard case .success(.refused) = try parse(Array(text.utf8), limits: limits(size, 2)) else {
      Issue.record("not refused")
      return
    }
    #expect(
      try parse(Array(text.utf8), limits: limits(size - 1, 2)) == .failure(.malformedHead(.tooLong))
    )
    #expect(
      try parse(Array(text.utf8), limits: limits(size, 1))
        == .failure(.malformedHead(.tooManyFields)))
  }

  @Test("a status line without its last space has an empty reason phrase")
  func noReason() throws {
    for line in ["HTTP/1.1 503", "HTTP/1.1 503 "] {
      guard case .refused(let head) = try parse(Array("\(line)\r\n\r\n".utf8)).get() else {
        Issue.record("not refused")
        continue
      }
      #expect(head.status == .serviceUnavailable && head.reasonPhrase == "")
    }
  }

  @Test("an answer is bounded, as a request is")
  func bounded() throws {
    let limits = HandshakeLimits(headByteCountMax: 100, headerCountMax: 2)
    let endless = Array("HTTP/1.1 101 \(String(repeating: "a", count: 200))".utf8)
    #expect(try parse(endless, limits: limits) == .failure(.malformedHead(.tooLong)))
    let many = Array("HTTP/1.1 101 S\r\nA:\r\nB:\r\nC:\r\n\r\n".utf8)
    #expect(try parse(many, limits: limits) == .failure(.malformedHead(.tooManyFields)))
  }
}

extension UpgradeRequestBuilder {
  fileprivate func sent() -> String {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
