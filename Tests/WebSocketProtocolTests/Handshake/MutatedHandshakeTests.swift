import Testing
import WebSocketProtocol

@Suite("handshakes damaged at random")
struct MutatedHandshakeTests {
  @Test("a damaged request is accepted or refused, never a trap, and its view can be read")
  func requests() {
    var generator = SeededGenerator(state: 6455)
    var parser = RequestParser()
    let scripts = RequestScript.openings + RequestScript.plainRequests + RequestScript.requestLines
    var acceptedCount = 0
    for _ in 0..<4_000 {
      let script = scripts.randomElement(using: &generator)?.text ?? ""
      let bytes = damaged(Array(script.utf8), using: &generator)
      let parsed = parse(bytes, with: &parser)
      guard let headByteCount = parsed.headByteCount else { continue }
      acceptedCount += 1
      #expect(headByteCount <= bytes.count)
      parser.withRequest(in: bytes.span.bytes) { request in
        #expect(request.path.isEmpty == false)
        #expect(request.headers.count == request.headerCount)
        let offers = request.subprotocols
        #expect(request.selectSubprotocol(from: offers) == offers.first)
        _ = (request.extensionOffers, request.host, request.queryItem(named: "a"))
      }
    }
    #expect(acceptedCount > 200)
  }

  @Test("a damaged response is accepted or refused, never a trap")
  func responses() throws {
    var generator = SeededGenerator(state: 6455)
    for _ in 0..<4_000 {
      guard let script = ResponseScript.all.randomElement(using: &generator) else { return }
      let bytes = damaged(Array(script.text.utf8), using: &generator)
      let outcome = try parse(bytes, offering: script.request)
      guard case .success(.upgraded(let head, let subprotocol, _)) = outcome else { continue }
      #expect(head.byteCount <= bytes.count)
      #expect(subprotocol.map { script.request.contains($0) } ?? true)
    }
  }

  private func damaged(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    let marks = Array("\r\n \t:;,=\"\\/?#%[]*@\0\u{7F}01a".utf8) + [0xFF]
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &generator)
      let run = index..<min(bytes.count, index + 20)
      let mark = marks.randomElement(using: &generator) ?? 0
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes[index] = mark
      case 1: bytes.insert(mark, at: index)
      case 2: bytes.remove(at: index)
      case 3: bytes.removeSubrange(run)
      default: bytes.insert(contentsOf: bytes[run], at: index)
      }
    }
    return bytes
  }
}

/// SplitMix64, so that a failure comes again.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
