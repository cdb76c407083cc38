import Glibc
import Testing
import WebSocket

@Suite("A hostile stream of frames")
struct FrameAttackTests {
  @Test("that declares 2^63-1 bytes ends with 1009", arguments: backends)
  func hugeLength(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      for _ in 0..<20 {
        let peer = try running.open()
        try peer.send(Frame.binary([1, 2, 3]).bytes(declaredLength: UInt64(Int64.max)))
        try peer.expectClose(1009)
      }
    }
  }

  @Test("that declares much and sends little costs little", arguments: backends)
  func declaredOnly(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      let before = ProcessState.trimmedByteCount()
      let peers = try (0..<100).map { _ in
        let peer = try running.open()
        try peer.send(Frame.binary([1, 2, 3]).bytes(declaredLength: 16 << 20))
        return peer
      }
      usleep(50_000)
      // Their lengths add up to 1.6 GiB.
      #expect(ProcessState.residentByteCount() < before + (256 << 20))
      for peer in peers { peer.close() }
    }
  }

  @Test("of a million fragments of one byte is one message", arguments: backends)
  func millionFragments(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      let peer = try running.open()
      peer.setTimeout(seconds: 60)
      let fragments = (0..<1000).flatMap { _ in Frame.continuation([9], isFinal: false).bytes() }
      try peer.send(Frame.binary([], isFinal: false).bytes())
      for _ in 0..<1000 { try peer.send(fragments) }
      try peer.send(Frame.continuation([], isFinal: true).bytes())
      let message = try peer.readFrame()
      #expect(message.opcode == 2 && message.isFinal)
      #expect(message.payload == [UInt8](repeating: 9, count: 1_000_000))
    }
  }

  @Test("of 300,000 empty fragments costs nothing", arguments: backends)
  func emptyFragments(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      let peer = try running.open()
      peer.setTimeout(seconds: 60)
      let fragments = (0..<1000).flatMap { _ in Frame.continuation([], isFinal: false).bytes() }
      try peer.send(Frame.text("", isFinal: false).bytes())
      for _ in 0..<300 { try peer.send(fragments) }
      try peer.send(.continuation([], isFinal: true))
      try peer.expect(.text(""))
    }
  }

  @Test("of pings is answered ping by ping to who reads", arguments: backends)
  func pingFlood(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      let peer = try running.open()
      let pings = (0..<1000).flatMap { Frame.ping("\($0)").bytes() }
      let pongs = (0..<1000).flatMap { Frame.pong("\($0)").bytes(maskingKey: nil) }
      for _ in 0..<100 {
        try peer.send(pings)
        #expect(try peer.read(pongs.count) == pongs)
      }
    }
  }

  @Test("of pings costs a bounded queue for who never reads", arguments: backends)
  func pingFloodUnread(on kind: BackendKind) throws {
    try besiege(on: kind, configure: { $0.listener.sendBufferByteCount = 64 << 10 }) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      let payload = String(repeating: "x", count: 125)
      let pings = (0..<1000).flatMap { _ in Frame.ping(payload).bytes() }
      // What waits already keeps all pongs waiting.
      try peer.send(.text("flood"))
      #expect(eventually { (connection.queuedByteCount ?? 0) > 6 << 20 })
      let before = connection.queuedByteCount ?? 0
      for _ in 0..<60 { try peer.send(pings) }
      #expect(eventually(seconds: 30) { running.receivedByteCount > 60 * pings.count })
      // 7 MB of pongs were owed.
      let after = try #require(connection.queuedByteCount)
      #expect(after < before + (64 << 10), "\(before) before, \(after) after")
      #expect(connection.isOpen)
      peer.close()
    }
  }

  @Test("of random bytes is ended with an error", arguments: backends)
  func garbage(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      var random = SeededRandom(seed: 6455)
      for number in 0..<150 {
        let peer = try running.open()
        var bytes = Bytes.pattern(Int.random(in: 1...4000, using: &random), seed: UInt64(number))
        if number % 2 == 0 {
          // Frames with some bytes changed.
          bytes =
            Frame.text("one").bytes() + Frame.ping("two").bytes()
            + Frame.binary(Bytes.pattern(300, seed: 3), isFinal: false).bytes()
            + Frame.continuation([4], isFinal: true).bytes() + Frame.close(1000, "five").bytes()
          for _ in 0..<4 {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
              in: 0...255, using: &random)
          }
        }
        try peer.send(bytes)
        peer.finish()
        #expect(throws: Never.self) { try peer.readToEnd() }
      }
    }
  }
}
