import Glibc
import Synchronization
import Testing
import WebSocket

@Suite("Pongs to a peer that does not read")
struct PongTests {
  @Test(
    "cost no more time the more waits in front of them, and the newest ping is answered",
    arguments: backends)
  func flood(on kind: BackendKind) throws {
    let pairCount = 20_000
    let isLastSeen = Atomic<Bool>(false)
    try serve(
      on: kind, configure: { $0.reactor.queue.byteCountMax = 32 << 20 },
      handle: { on, _ in
        // More than the kernel takes, so that everything else waits behind it.
        on.opened = { connection, _ in connection.send([UInt8](repeating: 0, count: 12 << 20)) }
        on.received = { connection, message, _ in connection.send(message) }
        on.receivedPing = { _, payload, _ in
          if payload.byteCount == 4 { isLastSeen.store(true, ordering: .relaxed) }
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      #expect(eventually { (connection.queuedByteCount ?? 0) > 1 << 20 })
      let pair = Frame.text("").bytes() + Frame.ping("x").bytes()
      let flood = [[UInt8]](repeating: pair, count: pairCount).flatMap { $0 }
      try peer.send(flood)
      try peer.send(.ping("last"))
      #expect(eventually(seconds: 10) { isLastSeen.load(ordering: .relaxed) })
      #expect(try peer.readFrame().payload.count == 12 << 20)
      var echoCount = 0
      var pongs: [String] = []
      while echoCount < pairCount || pongs.last != "last" {
        let frame = try peer.readFrame()
        if frame.opcode == 1 { echoCount += 1 } else { pongs.append(frame.text) }
      }
      #expect(echoCount == pairCount && pongs.count < 1000)
    }
  }
}
