import Testing
import WebSocketProtocol

@Suite("RFC 6455 §4.2.2: the server's answer")
struct ServerResponseTests {
  private func key() throws -> HandshakeKey {
    try #require(handshakeKey("dGhlIHNhbXBsZSBub25jZQ=="))
  }

  @Test("101 with the accept key and nothing that was not chosen")
  func plainUpgrade() throws {
    #expect(
      try UpgradeResponse(for: key()).sent() == """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
        \r\n
        """)
  }

  @Test("101 with subprotocol, extensions and headers of the program")
  func fullUpgrade() throws {
    var headers = HTTPHeaders()
    try headers.add("Set-Cookie", "a=1")
    try headers.add("Set-Cookie", "b=2")
    let deflate = WebSocketExtension(
      "permessage-deflate",
      parameters: [.init("server_no_context_takeover"), .init("server_max_window_bits", "10")])
    let response = try UpgradeResponse(
      for: key(), subprotocol: "chat", extensions: [deflate, WebSocketExtension("x")],
      headers: headers)
    #expect(
      response.sent() == """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
        Sec-WebSocket-Protocol: chat\r
        Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
        server_max_window_bits=10, x\r
        Set-Cookie: a=1\r
        Set-Cookie: b=2\r
        \r\n
        """)
  }

  @Test("what would end a line is refused, wherever the program puts it")
  func injection() throws {
    var headers = HTTPHeaders()
    #expect(throws: HandshakeFieldError.invalidValue) { try headers.add("X", "a\r\nY: b") }
    #expect(throws: HandshakeFieldError.invalidValue) { try headers.add("X", "a\nb") }
    #expect(throws: HandshakeFieldError.invalidValue) { try headers.add("X", "a\0") }
    #expect(throws: HandshakeFieldError.invalidName) { try headers.add("X: a\r\nY", "b") }
    #expect(throws: HandshakeFieldError.invalidName) { try headers.add("", "b") }
    #expect(throws: HandshakeFieldError.invalidName) { try HTTPHeader("X Y", "b") }
    #expect(headers.fields.isEmpty)
    let key = try key()
    #expect(throws: HandshakeFieldError.invalidSubprotocol) {
      try UpgradeResponse(for: key, subprotocol: "a\r\nX: b")
    }
    #expect(throws: HandshakeFieldError.invalidExtension) {
      try UpgradeResponse(for: key, extensions: [WebSocketExtension("a\r\nX: b")])
    }
    #expect(throws: HandshakeFieldError.invalidExtension) {
      let parameter = WebSocketExtension.Parameter("a", "b\r\n")
      return try UpgradeResponse(
        for: key, extensions: [WebSocketExtension("a", parameters: [parameter])])
    }
  }

  @Test(
    "fields of the handshake and of the framing cannot be added",
    arguments: [
      "Connection", "UPGRADE", "Host", "origin", "content-length", "Transfer-Encoding",
      "Sec-WebSocket-Accept", "sec-websocket-protocol", "Sec-WebSocket-Extensions",
    ])
  func reserved(name: String) {
    var headers = HTTPHeaders()
    #expect(throws: HandshakeFieldError.reservedName) { try headers.add(name, "a") }
  }
}

@Suite("RFC 9110 §15: refusals and plain answers")
struct HTTPResponseTests {
  @Test("a refusal ends the connection and tells its length")
  func refusal() throws {
    var headers = HTTPHeaders()
    try headers.add("WWW-Authenticate", "Bearer")
    #expect(
      HTTPResponse(status: .unauthorized, headers: headers, text: "who?").sent() == """
        HTTP/1.1 401 Unauthorized\r
        Connection: close\r
        WWW-Authenticate: Bearer\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Length: 4\r
        \r
        who?
        """)
  }

  @Test("426 names the protocol and its version, 405 a method")
  func demanded() throws {
    #expect(
      HTTPResponse(status: .upgradeRequired).sent() == """
        HTTP/1.1 426 Upgrade Required\r
        Connection: close, Upgrade\r
        Upgrade: websocket\r
        Sec-WebSocket-Version: 13\r
        Content-Length: 0\r
        \r\n
        """)
    #expect(HTTPResponse(status: .methodNotAllowed).sent().contains("\r\nAllow: GET\r\n"))
    var headers = HTTPHeaders()
    try headers.add("Allow", "GET, HEAD")
    let answer = HTTPResponse(status: .methodNotAllowed, headers: headers).sent()
    #expect(answer.contains("\r\nAllow: GET, HEAD\r\n"))
    #expect(!answer.contains("\r\nAllow: GET\r\n"))
  }

  @Test("the answer to HEAD is that to GET without its body")
  func head() {
    let response = HTTPResponse(status: .ok, contentType: "text/html", body: Array("<p>".utf8))
    #expect(response.sent() == response.sent(omittingBody: true) + "<p>")
    #expect(response.sent(omittingBody: true).contains("\r\nContent-Length: 3\r\n"))
  }

  @Test("204 and 304 have neither body nor length", arguments: [204, 304])
  func withoutBody(code: Int) {
    let answer = HTTPResponse(status: HTTPStatus(code), text: "body").sent()
    #expect(!answer.contains("Content-Length"))
    #expect(answer.hasSuffix("\r\n\r\n"))
  }

  @Test("a status without a known phrase keeps its space")
  func unknown() {
    #expect(HTTPResponse(status: HTTPStatus(499)).sent().hasPrefix("HTTP/1.1 499 \r\n"))
  }

  @Test(
    "every error is answered with its status and says what is wrong",
    arguments: RequestScript.all.compactMap { script -> HandshakeError? in
      if case .refused(let error) = script.expected { error } else { nil }
    })
  func errors(error: HandshakeError) {
    let answer = error.response.sent()
    #expect(answer.hasPrefix("HTTP/1.1 \(error.status.code) \(error.status.reasonPhrase)\r\n"))
    #expect((400...599).contains(error.status.code))
    #expect(answer.hasSuffix("\r\n\r\n\(error.reason)\n"))
    #expect(answer.contains("\r\nContent-Length: \(error.reason.utf8.count + 1)\r\n"))
    #expect(answer.contains("\r\nConnection: close"))
  }

  @Test(
    "errors have the status that their RFC gives them",
    arguments: [
      (HandshakeError.malformedRequestLine, 400), (.malformedHead(.foldedLine), 400),
      (.malformedHead(.tooLong), 431), (.malformedHead(.tooManyFields), 431),
      (.targetTooLong, 414), (.unsupportedHTTPVersion, 505), (.methodNotAllowed, 405),
      (.unsupportedWebSocketVersion, 426), (.missingUpgrade, 426), (.upgradeByHTTP10, 426),
      (.missingKey, 400), (.missingHost, 400), (.bodyNotAllowed, 400),
    ])
  func status(error: HandshakeError, code: Int) {
    #expect(error.status.code == code)
  }

  @Test("an interim status is a mistake of the program")
  func interim() async {
    await #expect(processExitsWith: .failure) {
      _ = HTTPResponse(status: .switchingProtocols)
    }
  }
}

extension UpgradeResponse {
  func sent() -> String {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
