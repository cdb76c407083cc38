import CProcess
import Glibc
import Testing
import WebSocket

@Suite("What is sent directly behind a burst of a topic")
struct DirectSendTests {
  private static let part = String(repeating: "p", count: 64 << 10)

  /// Has a handler publish so many parts and send three messages to each subscriber behind them: all within one pass.
  private func burst(
    on kind: BackendKind, partCount: Int, part: String, subscriberCount: Int,
    overflow: QueueLimits.Overflow, isSlow: Bool = false,
    _ body: (RunningServer, [Peer]) throws -> Void
  ) throws {
    let topic = TopicRegistry().topic(
      "t", options: TopicOptions(lag: .close(beyondByteCount: .max)))
    let subscribers = Locked<[Connection]>([])
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.reactorCount = 1
        $0.reactor.queue.overflow = overflow
        // However long it takes under a sanitizer.
        $0.pingIntervalMilliseconds = 0
        if isSlow { $0.listener.sendBufferByteCount = 16 << 10 }
      },
      handle: { on, _ in
        on.received = { connection, message, _ in
          for number in 0..<partCount { topic.publish("\(number) \(part)") }
          for other in subscribers.withLock({ $0 }) {
            for text in ["one", "two", "three"] { other.send(text) }
          }
        }
      }
    ) { running in
      let sender = try running.open()
      var peers: [Peer] = []
      for _ in 0..<subscriberCount {
        let (peer, connection) = try running.openWithHandle(
          receiveBufferByteCount: isSlow ? 16 << 10 : nil)
        connection.subscribe(to: topic)
        subscribers.withLock { $0.append(connection) }
        peers.append(peer)
      }
      // A subscription from another thread has to have arrived.
      topic.publish("ready")
      for peer in peers { #expect(try peer.readFrame() == .text("ready")) }
      try sender.send(.text("go"))
      try body(running, peers)
      for peer in peers { peer.reset() }
    }
  }

  private func expectAll(_ partCount: Int, by peer: Peer) throws {
    for number in 0..<partCount {
      #expect(try peer.readFrame().text.hasPrefix("\(number) p"))
    }
    for text in ["one", "two", "three"] { #expect(try peer.readFrame() == .text(text)) }
  }

  @Test(
    "reaches who reads, although the burst is longer than a queue may be", arguments: backends,
    QueueLimits.Overflow.allCases)
  func longBurst(on kind: BackendKind, _ overflow: QueueLimits.Overflow) throws {
    try burst(
      on: kind, partCount: 20, part: Self.part, subscriberCount: 3, overflow: overflow
    ) { running, peers in
      for peer in peers { try expectAll(20, by: peer) }
      #expect(running.journal.errors == [])
    }
  }

  @Test(
    "does not cost a copy of the burst for each that does not read",
    .enabled(if: ProcessState.tellsMemory), arguments: backends)
  func stalled(on kind: BackendKind) throws {
    let part = String(repeating: "p", count: 1 << 20)
    let before = ProcessState.trimmedByteCount()
    try burst(
      on: kind, partCount: 8, part: part, subscriberCount: 6, overflow: .dropNewest, isSlow: true
    ) { running, peers in
      #expect(eventually { running.queuedByteCount > 6 * (7 << 20) })
      // The log once, where copies would be 6 times that.
      #expect(ProcessState.residentByteCount() < before + (40 << 20))
      for peer in peers { try expectAll(8, by: peer) }
    }
  }
}
