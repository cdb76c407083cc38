import Glibc
import Testing
import WebSocket

@Suite("A hostile reader")
struct ReaderAttackTests {
  @Test("that never reads is closed when its queue is full", arguments: backends)
  func never(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      let message = Frame.binary([UInt8](repeating: 5, count: 64 << 10)).bytes()
      var most = 0
      for _ in 0..<5 {
        let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
        #expect(throws: PeerError.reset) {
          _ = try eventually {
            try peer.send(message)
            most = max(most, connection.queuedByteCount ?? 0)
            return false
          }
        }
        peer.close()
      }
      // The limit, and what one pass adds to it: a read and its echo.
      #expect(most < 4 << 20, "\(most)")
      #expect(running.journal.errors.contains(.queueOverflow))
    }
  }

  @Test(
    "that never reads costs no more than the limit when messages are dropped", arguments: backends)
  func neverDropping(on kind: BackendKind) throws {
    try besiege(
      on: kind,
      configure: { $0.reactor.queue = QueueLimits(byteCountMax: 1 << 20, overflow: .dropOldest) }
    ) { running in
      let message = Frame.binary([UInt8](repeating: 5, count: 64 << 10)).bytes()
      let peers = try (0..<5).map { _ in
        let peer = try running.open(receiveBufferByteCount: 65_536)
        for _ in 0..<100 { try peer.send(message) }
        return peer
      }
      #expect(eventually { running.queuedByteCount > 2 << 20 })
      #expect(running.queuedByteCount <= 6 << 20, "\(running.queuedByteCount)")
      for peer in peers { peer.close() }
    }
  }

  @Test(
    "that never reads costs no more than the limit in tiny messages, none of which may be dropped",
    arguments: backends)
  func neverTiny(on kind: BackendKind) throws {
    try besiege(
      on: kind,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.queue = QueueLimits(byteCountMax: 1 << 20, overflow: .dropNewest)
      }
    ) { running in
      let before = ProcessState.trimmedByteCount()
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      let messages = [[UInt8]](repeating: Frame.text("").bytes(), count: 1000).flatMap { $0 }
      #expect(
        try eventually(seconds: 30) {
          for _ in 0..<10 { try peer.send(messages) }
          return (connection.queuedByteCount ?? 0) > 900 << 10
        })
      #expect(
        !ProcessState.tellsMemory || ProcessState.residentByteCount() < before + (16 << 20))
      peer.close()
    }
  }

  @Test("that reads slowly gets everything", arguments: backends)
  func slowly(on kind: BackendKind) throws {
    try besiege(on: kind, configure: { $0.reactor.queue.byteCountMax = 64 << 20 }) { running in
      let peers = try (0..<4).map { _ in
        let peer = try running.open(receiveBufferByteCount: 32_768)
        for _ in 0..<2 { try peer.send(.text("flood")) }
        return peer
      }
      let message = Frame.binary([UInt8](repeating: 7, count: 8 << 20))
      for _ in 0..<2 {
        for peer in peers {
          #expect(try peer.readFrame() == message)
          usleep(20_000)
        }
      }
    }
  }
}
