import Testing
import WebSocketProtocol

/// What a server sends behind the head of a refusal, and what a client keeps of it.
struct BodyScript: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let head: String
  let body: String
  let kept: String
  let isComplete: Bool

  init(
    _ description: String, _ fields: String, _ body: String, keeps kept: String,
    complete isComplete: Bool, status: Int = 403
  ) {
    testDescription = description
    head = "HTTP/1.1 \(status) X\r\n\(fields)\r\n"
    self.body = body
    self.kept = kept
    self.isComplete = isComplete
  }

  private static let chunked = "Transfer-Encoding: chunked\r\n"
  private static let long = String(repeating: "z", count: 40)

  static let all = [
    BodyScript("a length", "Content-Length: 5\r\n", "hello, more", keeps: "hello", complete: true),
    BodyScript("a length of 0", "Content-Length: 0\r\n", "x", keeps: "", complete: true),
    BodyScript(
      "the same length twice", "Content-Length: 2, 2\r\nContent-Length: 2\r\n", "hello",
      keeps: "he", complete: true),
    BodyScript(
      "two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n", "hello", keeps: "",
      complete: true),
    BodyScript("no number", "Content-Length: +5\r\n", "hello", keeps: "", complete: true),
    BodyScript(
      "a length beyond all numbers", "Content-Length: 99999999999999999999\r\n", "hello",
      keeps: "hello", complete: false),
    BodyScript("too little", "Content-Length: 9\r\n", "hello", keeps: "hello", complete: false),
    BodyScript(
      "more than is kept", "Content-Length: 40\r\n", long, keeps: String(long.prefix(16)),
      complete: true),
    BodyScript("no length", "", "hello", keeps: "hello", complete: false),
    BodyScript(
      "no length, and more than is kept", "", long, keeps: String(long.prefix(16)),
      complete: true),
    BodyScript("204", "", "hello", keeps: "", complete: true, status: 204),
    BodyScript("304", "Content-Length: 5\r\n", "hello", keeps: "", complete: true, status: 304),
    BodyScript(
      "chunks", chunked, "3\r\nhel\r\n2;a=\"b\"\r\nlo\r\n0\r\n\r\n", keeps: "hello",
      complete: true),
    BodyScript(
      "chunks with capitals, zeros and blanks", "transfer-encoding: gzip, Chunked\r\n",
      "00A \t\r\n0123456789\r\n0000\r\nX: y\r\n\r\n", keeps: "0123456789", complete: true),
    BodyScript(
      "chunks take precedence over a length", "Content-Length: 1\r\n" + chunked,
      "2\r\nhe\r\n0\r\n", keeps: "he", complete: true),
    BodyScript(
      "another coding", "Transfer-Encoding: gzip\r\n", "hello", keeps: "hello",
      complete: false),
    BodyScript("an unfinished chunk", chunked, "5\r\nhel", keeps: "hel", complete: false),
    BodyScript(
      "a chunk larger than all numbers", chunked, "ffffffffffffffffffffffff\r\nhello",
      keeps: "hello", complete: false),
    BodyScript(
      "chunks beyond what is kept", chunked, "f\r\n\(long.prefix(15))\r\n2\r\nab\r\n",
      keeps: long.prefix(15) + "a", complete: true),
    BodyScript("no chunk", chunked, "<html>", keeps: "", complete: true),
    BodyScript("no digits", chunked, "\r\nhello", keeps: "", complete: true),
    BodyScript("more than a chunk said", chunked, "2\r\nhello\r\n", keeps: "he", complete: true),
    BodyScript("a bare line feed", chunked, "2\nhe", keeps: "", complete: true),
    BodyScript(
      "a bare line feed behind an extension", chunked, "2;a\nhe", keeps: "",
      complete: true),
    BodyScript("a bare carriage return", chunked, "2\rhe", keeps: "", complete: true),
    BodyScript(
      "extensions without end", chunked,
      "2;" + String(repeating: "a", count: 20_000)
        + "\r\nhe\r\n0\r\n", keeps: "", complete: true),
  ]
}

@Suite("RFC 9112 §6.3, §7.1: the start of a refusal's body")
struct ResponseBodyStartTests {
  @Test("is kept as far as its framing and the limit say", arguments: BodyScript.all)
  func whole(script: BodyScript) throws {
    #expect(try kept(script, steps: .max) == script.kept)
  }

  @Test("is the same however the bytes are cut", arguments: BodyScript.all)
  func cuts(script: BodyScript) throws {
    for steps in 1...8 { #expect(try kept(script, steps: steps) == script.kept) }
    for cut in script.body.utf8.indices.prefix(100) {
      var start = try start(of: script)
      start.append(Array(script.body.utf8[..<cut]).span.bytes)
      start.append(Array(script.body.utf8[cut...]).span.bytes)
      #expect(String(decoding: start.bytes, as: UTF8.self) == script.kept)
      #expect(start.isComplete == script.isComplete)
    }
  }

  @Test("is nothing if nothing is to be kept")
  func nothing() throws {
    let start = try start(of: BodyScript.all[0], byteCountMax: 0)
    #expect(start.isComplete && start.bytes.isEmpty)
  }

  private func kept(_ script: BodyScript, steps: Int) throws -> String {
    var start = try start(of: script)
    var rest = Array(script.body.utf8)[...]
    while !rest.isEmpty {
      start.append(Array(rest.prefix(steps)).span.bytes)
      rest = rest.dropFirst(steps)
    }
    #expect(start.isComplete == script.isComplete)
    return String(decoding: start.bytes, as: UTF8.self)
  }

  private func start(of script: BodyScript, byteCountMax: Int = 16) throws -> ResponseBodyStart {
    guard case .refused(let head) = try parse(Array(script.head.utf8)).get() else {
      throw NotRefused()
    }
    return ResponseBodyStart(of: head, byteCountMax: byteCountMax)
  }

  private struct NotRefused: Error {}
}
