import Testing
import WebSocket

@Suite("A message")
struct MessageTests {
  @Test("of each kind arrives as it was sent", arguments: backends)
  func kinds(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(.text("grüß dich"), .binary([0, 255, 7]), .text(""), .binary([]))
      #expect(try peer.readFrame() == .text("grüß dich"))
      #expect(try peer.readFrame() == .binary([0, 255, 7]))
      #expect(try peer.readFrame() == .text(""))
      #expect(try peer.readFrame() == .binary([]))
      try peer.closeOrderly()
      #expect(
        running.journal.events.prefix(5) == [
          .opened, .text("grüß dich"), .binary([0, 255, 7]), .text(""), .binary([]),
        ])
    }
  }

  @Test("of any size comes back whole", arguments: backends)
  func sizes(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.reactor.queue.byteCountMax = 32 << 20
      }
    ) { running in
      let peer = try running.open()
      for byteCount in [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20] {
        let message = Frame.binary(Bytes.pattern(byteCount, seed: UInt64(byteCount)))
        let bytes = message.bytes()
        // Both sides' kernel buffers hold 1 MiB and less; more is sent and read by turns.
        let echo = try exchange(bytes, over: peer)
        #expect(echo == message, "\(byteCount) bytes")
      }
    }
  }

  @Test("cut anywhere comes back whole", arguments: backends)
  func cuts(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      var random = SeededRandom(seed: 6455)
      let messages = [3, 130, 4096, 70_000].map {
        Frame.binary(Bytes.pattern($0, seed: UInt64($0)))
      }
      for _ in 0..<20 {
        var rest = messages.flatMap { $0.bytes() }[...]
        while !rest.isEmpty {
          let piece = rest.prefix(Int.random(in: 1...20_000, using: &random))
          try peer.send(Array(piece))
          rest = rest.dropFirst(piece.count)
        }
        for message in messages { #expect(try peer.readFrame() == message) }
      }
    }
  }

  @Test("sent one byte at a time comes back whole", arguments: backends)
  func byteByByte(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      let frames = [
        Frame.text("ä€😀", isFinal: false), .ping("p"),
        .continuation(Array("ß".utf8), isFinal: true),
        .binary(Bytes.pattern(300, seed: 1)),
      ]
      try peer.send(frames.flatMap { $0.bytes() }, inPiecesOf: 1)
      #expect(try peer.readFrame() == .pong("p"))
      #expect(try peer.readFrame() == .text("ä€😀ß"))
      #expect(try peer.readFrame() == frames[3])
    }
  }

  @Test("in fragments is joined, whatever control frames come between", arguments: backends)
  func fragments(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      // A character is cut in two, and a fragment is empty.
      let euro = Array("€".utf8)
      try peer.send(
        Frame(opcode: 1, payload: [euro[0]], isFinal: false), .ping("1"),
        .continuation([], isFinal: false), .ping("2"),
        .continuation([euro[1]], isFinal: false), .pong("3"),
        .continuation([euro[2]], isFinal: true))
      #expect(try peer.readFrame() == .pong("1"))
      #expect(try peer.readFrame() == .pong("2"))
      #expect(try peer.readFrame() == .text("€"))
      try peer.send(.binary([1], isFinal: false), .continuation([], isFinal: true))
      #expect(try peer.readFrame() == .binary([1]))
      #expect(
        running.journal.events == [
          .opened, .ping("1"), .ping("2"), .pong("3"), .text("€"), .binary([1]),
        ])
    }
  }

  @Test("in 1,000 fragments leaves no memory queued up behind it", arguments: backends)
  func manyFragments(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      let payload = Bytes.pattern(100_000, seed: 5)
      var bytes = Frame.binary(Array(payload[..<100]), isFinal: false).bytes()
      for part in 1..<1000 {
        let fragment = Array(payload[part * 100..<(part + 1) * 100])
        bytes += Frame.continuation(fragment, isFinal: part == 999).bytes()
      }
      try peer.send(bytes)
      #expect(try peer.readFrame() == .binary(payload))
      #expect(eventually { running.queuedByteCount == 0 })
    }
  }

  /// Sends a frame and reads its echo, both a piece at a time, so that neither side waits for the other.
  private func exchange(_ bytes: [UInt8], over peer: Peer) throws -> Frame {
    var sent = 0
    while sent < bytes.count {
      let end = min(sent + (256 << 10), bytes.count)
      try peer.send(Array(bytes[sent..<end]))
      sent = end
    }
    return try peer.readFrame()
  }
}
