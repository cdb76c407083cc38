import Glibc
import Testing
import WebSocket

@Suite("A hostile handshake")
struct HandshakeAttackTests {
  @Test("that never ends is ended with 408", arguments: backends)
  func half(on kind: BackendKind) throws {
    try besiege(on: kind, configure: { $0.handshakeTimeoutMilliseconds = 200 }) { running in
      let request = Peer.upgradeRequest()
      let peers = try (0..<60).map { number in
        let peer = try running.connect()
        try peer.send(Array(request[..<(request.count * number / 60)]))
        return peer
      }
      for peer in peers { #expect(try peer.readReply().status == 408) }
    }
  }

  @Test("that trickles in gets no more time than another", arguments: backends)
  func trickle(on kind: BackendKind) throws {
    try besiege(on: kind, configure: { $0.handshakeTimeoutMilliseconds = 200 }) { running in
      let peer = try running.connect()
      let duration = seconds {
        _ = try? peer.request(slowly: Array("GET / HTTP/1.1\r\nX: ".utf8))
      }
      #expect(duration < 2, "\(duration) s")
    }
  }

  @Test("one byte at a time is understood", arguments: backends)
  func byteByByte(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      let bytes = Peer.upgradeRequest() + Frame.text("at last").bytes()
      let peers = try (0..<10).map { _ in try running.connect() }
      for byte in bytes {
        for peer in peers { try peer.send([byte]) }
      }
      for peer in peers {
        try peer.readUpgrade()
        try peer.expect(.text("at last"))
      }
    }
  }

  @Test("of 64 KiB of headers gets 431, and of far more too", arguments: backends)
  func headers(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      for byteCount in [64 << 10, 64 << 10, 2 << 20] {
        let peer = try running.connect()
        let header = "X-Long: " + String(repeating: "x", count: byteCount)
        try peer.send(Peer.upgradeRequest(headers: [header]))
        #expect(try peer.readReply().status == 431)
      }
    }
  }

  @Test("with a thousand frames behind it is answered, and so are they", arguments: backends)
  func pipelined(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      let frames = (0..<1000).flatMap { Frame.text("\($0)").bytes() }
      for _ in 0..<5 {
        let peer = try running.connect()
        try peer.send(Peer.upgradeRequest() + frames)
        try peer.readUpgrade()
        for number in 0..<1000 { #expect(try peer.readFrame() == .text("\(number)")) }
      }
    }
  }

  @Test("of random bytes is answered with an error or the end", arguments: backends)
  func garbage(on kind: BackendKind) throws {
    try besiege(on: kind, configure: { $0.handshakeTimeoutMilliseconds = 300 }) { running in
      var random = SeededRandom(seed: 7230)
      let request = Peer.upgradeRequest()
      let peers = try (0..<150).map { number in
        let peer = try running.connect()
        var bytes = Bytes.pattern(Int.random(in: 1...2000, using: &random), seed: UInt64(number))
        if number % 3 == 1 {
          // A request with some bytes changed.
          bytes = request
          for _ in 0..<3 {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
              in: 0...255, using: &random)
          }
        } else if number % 3 == 2 {
          bytes = Array(request.prefix(Int.random(in: 0..<request.count, using: &random))) + bytes
        }
        try peer.send(bytes)
        peer.finish()
        return peer
      }
      for peer in peers { #expect(throws: Never.self) { try peer.readToEnd() } }
    }
  }
}

extension Peer {
  /// Sends a byte every 10 ms, for as long as the server takes them, five seconds at most.
  fileprivate func request(slowly start: [UInt8]) throws {
    try send(start)
    for _ in 0..<500 {
      try send([0x78])
      usleep(10_000)
    }
  }
}
