import Testing
import WebSocketProtocol

@Suite("RFC 9110 §5, §7: what a request shows of itself")
struct HTTPRequestTests {
  @Test(
    "method, target, path and query",
    arguments: [
      ("GET /chat?room=1&x HTTP/1.1", "/chat?room=1&x", "/chat", "room=1&x"),
      ("GET /a%20b HTTP/1.1", "/a%20b", "/a%20b", nil),
      ("GET /? HTTP/1.1", "/?", "/", ""),
      ("GET //a?b?c HTTP/1.1", "//a?b?c", "//a", "b?c"),
      ("GET http://h/a?b HTTP/1.1", "http://h/a?b", "/a", "b"),
      ("GET http://h?b HTTP/1.1", "http://h?b", "/", "b"),
      ("GET http://h HTTP/1.1", "http://h", "/", nil),
    ])
  func target(line: String, target: String, path: String, query: String?) {
    let seen = withRequest(opening(line: line)) { request in
      [request.method, request.target, request.path, request.query, "\(request.minorVersion)"]
    }
    #expect(seen == ["GET", target, path, query, "1"])
    #expect(withRequest(opening(line: line)) { $0.hasPath(path) } == true)
    #expect(withRequest(opening(line: line)) { $0.hasPath(path + "x") } == false)
  }

  @Test("a header is found by its name in any case, its value without white space around it")
  func header() {
    let script = opening(more: "X-Token: \t a b\t\r\nEmpty:\r\n")
    #expect(withRequest(script) { $0.header(named: "x-tOKEN") } == .some("a b"))
    #expect(withRequest(script) { $0.header(named: "empty") } == .some(""))
    #expect(withRequest(script) { $0.header(named: "x-toke") } == .some(nil))
    #expect(withRequest(script) { $0.header(named: "") } == .some(nil))
  }

  @Test("headers that come more than once are all there, in their order")
  func duplicates() {
    let script = "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\nx: 3, 4,, \r\n\r\n"
    #expect(withRequest(script) { $0.header(named: "X") } == .some("1"))
    #expect(withRequest(script) { $0.headers(named: "X") } == ["1", "3, 4,,"])
    #expect(withRequest(script) { $0.listElements(named: "X") } == ["1", "3", "4"])
    let all = withRequest(script) { request in request.headers.map { "\($0.name)=\($0.value)" } }
    #expect(all == ["Host=a", "X=1", "Y=2", "x=3, 4,,"])
  }

  @Test("everything can be read without a String")
  func bytes() {
    let seen = withRequest(opening(line: "GET /a?b HTTP/1.1", more: "X: y\r\n")) { request in
      var seen = [text(request.methodBytes), text(request.targetBytes), text(request.pathBytes)]
      if let query = request.queryBytes { seen.append(text(query)) }
      if let value = request.headerBytes(named: "x") { seen.append(text(value)) }
      let last = request.headerCount - 1
      seen.append(text(request.headerNameBytes(at: last)))
      seen.append(text(request.headerValueBytes(at: last)))
      return seen
    }
    #expect(seen == ["GET", "/a?b", "/a", "b", "y", "X", "y"])
  }

  @Test(
    "query items are decoded, the first of a name wins",
    arguments: [
      ("a=1&b=2", "b", "2"), ("a=1&a=2", "a", "1"), ("a&b", "a", ""), ("a=", "a", ""),
      ("a=b=c", "a", "b=c"), ("a=x+y%20z", "a", "x y z"), ("%61%3D=1", "a=", "1"),
      ("a=%C3%A4", "a", "ä"), ("a=%ff", "a", "\u{FFFD}"), ("a=%", "a", "%"), ("a=%4", "a", "%4"),
      ("a=%zz", "a", "%zz"), ("a=100%&b=%2", "b", "%2"), ("&&a=1&", "a", "1"),
      ("ab=1", "a", nil), ("a=1", "ab", nil), ("", "a", nil), ("&", "", nil), ("=1", "", "1"),
      ("a=%0d%0aX:1", "a", "\r\nX:1"),
    ])
  func queryItem(query: String, name: String, expected: String?) {
    let value = withRequest(opening(line: "GET /?\(query) HTTP/1.1")) { $0.queryItem(named: name) }
    #expect(value == .some(expected))
  }

  @Test("without a query there are no items")
  func noQuery() {
    #expect(withRequest(opening()) { $0.queryItem(named: "a") } == .some(nil))
  }

  private func text(_ bytes: RawSpan) -> String {
    bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}
