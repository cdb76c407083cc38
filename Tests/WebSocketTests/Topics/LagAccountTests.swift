import Glibc
import Testing
import WebSocket

@Suite("What counts as the lag of a subscriber")
struct LagAccountTests {
  private static let kilobyte = String(repeating: "x", count: 1000)

  /// A peer that reads nothing so far.
  private func stall(
    on kind: BackendKind, change: (inout ServerConfiguration) -> Void = { _ in },
    handle: (inout Callbacks<Tracked>, Journal) -> Void = { _, _ in },
    _ body: (RunningServer, Peer, Connection) throws -> Void
  ) throws {
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.reactorCount = 1
        $0.listener.sendBufferByteCount = 16 << 10
        change(&$0)
      }, handle: handle
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      try body(running, peer, connection)
      peer.reset()
    }
  }

  private func expect(_ number: Int, from peer: Peer) throws {
    let text = try peer.readFrame().text
    #expect(text.hasPrefix("\(number) "))
  }

  @Test("is not what is replayed to it", arguments: backends)
  func replay(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic(
      "t",
      options: TopicOptions(historyByteCount: 4 << 20, lag: .close(beyondByteCount: 100_000)))
    for number in 0..<1000 { topic.publish("\(number) \(Self.kilobyte)") }
    try stall(on: kind) { running, peer, connection in
      connection.subscribe(to: topic, from: TopicPosition(ordinal: 0))
      try expect(0, from: peer)
      // The socket is full by now, and each of these has the lag looked at.
      for number in 1000..<1040 {
        usleep(2000)
        topic.publish("\(number) \(Self.kilobyte)")
      }
      #expect(topic.statistics.closedCount == 0)
      for number in 1..<1040 { try expect(number, from: peer) }
      // What has come since counts.
      for _ in 0..<2000 { topic.publish(Self.kilobyte) }
      #expect(eventually { topic.statistics.closedCount == 1 })
    }
  }

  @Test("nor is what is replayed copied for what is sent directly", arguments: backends)
  func directDuringReplay(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t", options: TopicOptions(historyByteCount: 4 << 20))
    for number in 0..<700 { topic.publish("\(number) \(Self.kilobyte)") }
    try stall(on: kind) { running, peer, connection in
      connection.subscribe(to: topic, from: TopicPosition(ordinal: 0))
      try expect(0, from: peer)
      usleep(50_000)
      for _ in 0..<10 { #expect(connection.send("direct") == .accepted) }
      usleep(50_000)
      #expect(connection.queuedByteCount ?? 0 < 300_000)
      var (next, directCount) = (1, 0)
      while next < 700 || directCount < 10 {
        let text = try peer.readFrame().text
        guard text != "direct" else {
          #expect(next < 690, "it waits for all of the past")
          directCount += 1
          continue
        }
        #expect(text.hasPrefix("\(next) "))
        next += 1
      }
    }
  }

  @Test("is what direct sends hold beyond the limit of the queue", arguments: backends)
  func heldBehindDirectSends(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic(
      "t", options: TopicOptions(lag: .close(beyondByteCount: 600_000)))
    let part = String(repeating: "p", count: 64 << 10)
    let target = Locked<Connection?>(nil)
    try stall(
      on: kind,
      change: {
        $0.reactor.queue.byteCountMax = 100_000
        $0.reactor.queue.overflow = .dropNewest
      },
      handle: { on, _ in
        on.received = { _, _, _ in
          for _ in 0..<16 { topic.publish(part) }
          target.withLock { $0 }?.send("behind it")
        }
      }
    ) { running, peer, connection in
      let sender = try running.open()
      connection.subscribe(to: topic)
      topic.publish("ready")
      #expect(try peer.readFrame() == .text("ready"))
      target.withLock { $0 = connection }
      try sender.send(.text("go"))
      #expect(eventually { (connection.queuedByteCount ?? 0) > 800_000 })
      // It lags by no more than this, as far as its place in the topic goes.
      topic.publish("little")
      #expect(eventually { topic.statistics.closedCount == 1 })
      #expect(running.journal.errors == [.topicLag])
      sender.close()
    }
  }

  @Test(
    "is free of superseded messages, however many keys have been forgotten", arguments: backends)
  func keys(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    try stall(on: kind) { running, peer, connection in
      // 8 bytes a message: the last thousand of them.
      connection.subscribe(to: topic, lag: .newestPerKey(beyondByteCount: 8000))
      for _ in 0..<400 { topic.publish(Self.kilobyte) }
      usleep(50_000)
      // The second of each key supersedes the first. Keys are forgotten when there are more than 4,096
      // and twice as many as messages that it lags behind: once, some 600 messages before the end.
      let count = 12_800
      for number in 0..<count {
        let digits = String(number + 100_000)
        topic.publish(digits, key: UInt64(number / 2 + 1))
        if number % 100 == 99 { usleep(300) }
      }
      var numbers: [Int] = []
      while numbers.last != count - 1 {
        let text = try peer.readFrame().text
        if text.utf8.count == 6 { numbers.append((Int(text) ?? 0) - 100_000) }
      }
      #expect(numbers.count < count / 2 && numbers.suffix(400).count == 400)
      #expect(numbers.suffix(400).allSatisfy { $0 % 2 == 1 })
    }
  }
}
