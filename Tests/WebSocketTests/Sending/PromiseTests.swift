import Synchronization
import Testing
import WebSocket

@Suite("What a send has been told")
struct PromiseTests {
  @Test("holds, whatever the reactor has queued meanwhile", arguments: backends)
  func promise(on kind: BackendKind) throws {
    let accepted = Atomic<Int>(0)
    let message = [UInt8](repeating: 1, count: 10_000)
    try serve(
      on: kind,
      configure: {
        $0.reactor.queue = QueueLimits(
          byteCountMax: 1_000_000, backpressureByteCount: 500_000, overflow: .dropNewest)
        $0.listener.sendBufferByteCount = 16 << 10
      },
      handle: { on, _ in
        on.received = { connection, _, _ in
          for _ in 0..<90 where connection.send(message) != .dropped {
            accepted.add(1, ordering: .relaxed)
          }
          Threads.run(1) { _ in
            for _ in 0..<90 where connection.send(message) != .dropped {
              accepted.add(1, ordering: .relaxed)
            }
          }
        }
      }
    ) { running in
      let (peer, _) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      try peer.send(.text("go"))
      #expect(eventually { accepted.load(ordering: .relaxed) == 180 })
      var count = 0
      try peer.send(.ping("end"))
      while try peer.readFrame() == .binary(message) { count += 1 }
      #expect(count == 180)
    }
  }
}
