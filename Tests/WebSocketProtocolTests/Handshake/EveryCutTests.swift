import Testing
import WebSocketProtocol

@Suite("however the bytes are cut")
struct EveryCutTests {
  @Test("a request cut at every byte gives the same result", arguments: RequestScript.all)
  func requests(script: RequestScript) {
    let bytes = Array(script.text.utf8)
    var parser = RequestParser()
    let whole = parse(bytes, with: &parser)
    #expect(whole.outcome == script.expected)
    for cut in bytes.indices {
      #expect(parse(bytes, cuts: [cut], with: &parser) == whole, "cut at \(cut)")
    }
  }

  @Test("a request in pieces of 1 to 8 bytes gives the same result", arguments: RequestScript.all)
  func steps(script: RequestScript) {
    let bytes = Array(script.text.utf8)
    var parser = RequestParser()
    let whole = parse(bytes, with: &parser)
    for step in 1...8 {
      let cuts = Array(stride(from: step, to: bytes.count, by: step))
      #expect(parse(bytes, cuts: cuts, with: &parser) == whole, "steps of \(step)")
    }
  }

  @Test("a response cut at every byte gives the same result", arguments: ResponseScript.all)
  func responses(script: ResponseScript) throws {
    let bytes = Array(script.text.utf8)
    let whole = try parse(bytes, offering: script.request)
    #expect(script.expected.matches(whole))
    for cut in bytes.indices {
      #expect(try parse(bytes, cuts: [cut], offering: script.request) == whole, "cut at \(cut)")
    }
    for step in 1...8 {
      let cuts = Array(stride(from: step, to: bytes.count, by: step))
      #expect(try parse(bytes, cuts: cuts, offering: script.request) == whole, "steps of \(step)")
    }
  }

  @Test("bytes that arrive one at a time are each looked at once")
  func linear() {
    // Quadratic work would look at 2^33 bytes here, and take minutes.
    let byteCount = 1 << 17
    let limits = HandshakeLimits(headByteCountMax: byteCount)
    let bytes = Array("GET / HTTP/1.1\r\nX: ".utf8) + Array(repeating: 0x61, count: byteCount)
    var parser = RequestParser(limits: limits)
    let parsed = parse(bytes, cuts: Array(1..<byteCount), with: &parser)
    #expect(parsed.outcome == .refused(.malformedHead(.tooLong)))
  }
}
