import Testing
import WebSocketProtocol

@Suite("RFC 9112 §3: the request line")
struct RequestLineTests {
  @Test("its forms are understood", arguments: RequestScript.requestLines)
  func accepted(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }

  @Test("what deviates from the grammar is refused", arguments: RequestScript.wrongRequestLines)
  func refused(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }
}

@Suite("RFC 9112 §5: field lines")
struct FieldLineTests {
  @Test("values of every kind are accepted", arguments: RequestScript.fieldLines)
  func accepted(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }

  @Test("what deviates from the grammar is refused", arguments: RequestScript.wrongFieldLines)
  func refused(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }

  @Test("every octet that is no token character ends a name, every control character a request")
  func everyOctet() {
    let tokens = Set("!#$%&'*+-.^_`|~0123456789".utf8)
    for octet in UInt8.min...UInt8.max {
      var parser = RequestParser()
      let start = Array("GET / HTTP/1.1\r\nHost: a\r\n".utf8)
      let isLetter = (65...90).contains(octet) || (97...122).contains(octet)
      let inName = start + [0x58, octet, 0x58] + Array(": a\r\n\r\n".utf8)
      let isName = isLetter || tokens.contains(octet) || octet == UInt8(ascii: ":")
      #expect((parse(inName, with: &parser).outcome == .plain) == isName, "\(octet) in a name")
      let inValue = start + Array("X: a".utf8) + [octet] + Array("b\r\n\r\n".utf8)
      let isValue = octet == 9 || (octet >= 32 && octet != 127)
      #expect((parse(inValue, with: &parser).outcome == .plain) == isValue, "\(octet) in a value")
    }
  }
}

@Suite("RFC 9112 §3.2: Host")
struct HostTests {
  @Test("it is there once, and names a host or is empty", arguments: RequestScript.hosts)
  func host(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }

  @Test("the host of a target in absolute form takes its place")
  func absoluteForm() {
    let script = opening(line: "GET ws://other:81/a HTTP/1.1", host: "Host: a\r\n")
    #expect(withRequest(script) { $0.host } == .some("other:81"))
    #expect(withRequest(opening(host: "Host:  a:80 \r\n")) { $0.host } == .some("a:80"))
    #expect(withRequest("GET / HTTP/1.0\r\n\r\n") { $0.host } == .some(nil))
    #expect(withRequest(opening(host: "Host: \r\n")) { $0.host } == .some(""))
  }
}

@Suite("RFC 9112 §6: bodies")
struct BodyTests {
  @Test("a length that can be read in two ways is refused", arguments: RequestScript.bodies)
  func refused(script: RequestScript) {
    #expect(parse(script.text) == script.expected)
  }

  @Test(
    "a plain request says whether a body follows",
    arguments: [
      ("", false), ("Content-Length: 0\r\n", false), ("Content-Length: 10\r\n", true),
      ("Transfer-Encoding: chunked\r\n", true),
    ])
  func declared(fields: String, expected: Bool) {
    let script = "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    #expect(withRequest(script) { $0.declaresBody } == expected)
  }
}

@Suite("RFC 6585 §5, RFC 9110 §15.5.15: limits")
struct HandshakeLimitsTests {
  @Test("a head of exactly the limit passes, one byte more is refused with 431")
  func headByteCount() {
    let byteCount = opening().utf8.count
    let limits = HandshakeLimits(headByteCountMax: byteCount)
    #expect(parse(opening() + "frame", limits: limits) == .upgrade)
    let tooLong = opening(connection: "Connection:  Upgrade\r\n")
    #expect(parse(tooLong, limits: limits) == .refused(.malformedHead(.tooLong)))
    #expect(HandshakeError.malformedHead(.tooLong).status.code == 431)
  }

  @Test("a head of 16 KiB passes by the default limit, one byte more does not")
  func defaultLimit() {
    let rest = (16 << 10) - opening(more: "Cookie: \r\n").utf8.count
    let script = { opening(more: "Cookie: \(String(repeating: "c", count: $0))\r\n") }
    #expect(parse(script(rest)) == .upgrade)
    #expect(parse(script(rest + 1)) == .refused(.malformedHead(.tooLong)))
  }

  @Test("empty lines in front of a request count as bytes of its head")
  func emptyLines() {
    let limits = HandshakeLimits(headByteCountMax: opening().utf8.count + 6)
    let lines = { String(repeating: "\r\n", count: $0) }
    #expect(parse(lines(3) + opening(), limits: limits) == .upgrade)
    #expect(parse(lines(4) + opening(), limits: limits) == .refused(.malformedHead(.tooLong)))
    #expect(parse(lines(100_000)) == .refused(.malformedHead(.tooLong)))
  }

  @Test("the head of a request begins with the empty lines in front of it")
  func emptyLinesAndLength() {
    var parser = RequestParser()
    let parsed = parse(Array(("\r\n\r\n" + opening() + "frames").utf8), with: &parser)
    #expect(parsed.headByteCount == opening().utf8.count + 4)
    #expect(withRequest("\r\n" + opening()) { $0.path } == "/chat")
  }

  @Test("64 KiB of header are refused by the default limit, without waiting for their end")
  func endless() {
    let fields = String(repeating: "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", count: 1_700)
    #expect(parse("GET / HTTP/1.1\r\n" + fields) == .refused(.malformedHead(.tooLong)))
  }

  @Test("as many fields as the limit pass, one more is refused with 431")
  func headerCount() {
    let script = opening(more: (0..<95).map { "X-\($0): a\r\n" }.joined())
    #expect(parse(script) == .upgrade)
    let limits = HandshakeLimits(headerCountMax: 99)
    #expect(parse(script, limits: limits) == .refused(.malformedHead(.tooManyFields)))
    #expect(HandshakeError.malformedHead(.tooManyFields).status.code == 431)
  }

  @Test("a target of exactly the limit passes, one byte more is refused with 414")
  func targetByteCount() {
    let limits = HandshakeLimits(targetByteCountMax: 5)
    #expect(parse(opening(), limits: limits) == .upgrade)
    let longer = opening(line: "GET /chats HTTP/1.1")
    #expect(parse(longer, limits: limits) == .refused(.targetTooLong))
    #expect(HandshakeError.targetTooLong.status.code == 414)
  }

  @Test("a request line that fills the whole head is refused with 414")
  func endlessTarget() {
    let target = String(repeating: "a", count: 17_000)
    #expect(parse("GET /\(target)") == .refused(.targetTooLong))
    #expect(parse("\r\nGET /\(target)") == .refused(.targetTooLong))
  }
}
