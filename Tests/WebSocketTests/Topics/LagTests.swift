import CProcess
import Glibc
import Synchronization
import Testing
import WebSocket

@Suite("A subscriber that does not read")
struct LagTests {
  private static let message = [UInt8](repeating: 5, count: 1000)

  /// One that reads nothing, and one that reads everything, with another policy than the topic's.
  private func stall(
    on kind: BackendKind, _ lag: LagPolicy,
    publish: (Topic, Int) -> Void = { topic, number in
      topic.publish("\(number) " + String(repeating: "x", count: 1000))
    }, sendsDirectly: Bool = false,
    then: (RunningServer, Peer, Topic, Locked<[Int]>) throws -> Void
  ) throws {
    let missed = Locked<[Int]>([])
    try serve(
      on: kind,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.lingerMilliseconds = 20_000
      },
      handle: { on, _ in
        on.received = { connection, message, _ in connection.send(message) }
        on.lagged = { connection, gap, _ in
          missed.withLock { $0.append(gap.missedCount) }
          connection.send("missed \(gap.missedCount)")
        }
      }
    ) { running in
      let topic = running.server.topic("t")
      let (slow, first) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      let (fast, second) = try running.openWithHandle()
      first.subscribe(to: topic, lag: lag)
      second.subscribe(to: topic, lag: .close(beyondByteCount: 64 << 20))
      for number in 0..<4000 {
        publish(topic, number)
        if sendsDirectly, number % 1000 == 500 { first.send("direct") }
        if number % 100 == 99 {
          for number in number - 99...number {
            #expect(try fast.readFrame().text.hasPrefix("\(number) "))
          }
        }
      }
      try then(running, slow, topic, missed)
    }
  }

  @Test("is closed with 1013 when it lags too far behind", arguments: backends)
  func close(on kind: BackendKind) throws {
    try stall(on: kind, .close(beyondByteCount: 1 << 20)) { running, slow, topic, missed in
      #expect(eventually { running.journal.errors == [.topicLag] })
      #expect(topic.statistics.closedCount == 1 && missed.withLock { $0.isEmpty })
      var next = 0
      var frame = try slow.readFrame()
      while frame.opcode == 1 {
        #expect(frame.text.hasPrefix("\(next) "))
        next += 1
        frame = try slow.readFrame()
      }
      #expect(frame.closeCode == 1013)
    }
  }

  @Test(
    "is told what it misses as soon as it reads on, although nothing follows", arguments: backends)
  func skipAll(on kind: BackendKind) throws {
    // No message is within the limit, so whoever cannot be sent one at once misses it.
    try stall(on: kind, .skipOldest(beyondByteCount: 100)) { _, slow, _, missed in
      var (count, missedCount) = (0, 0)
      while count + missedCount < 4000 {
        let words = try slow.readFrame().text.split(separator: " ")
        if words[0] == "missed" { missedCount += Int(words[1]) ?? 0 } else { count += 1 }
      }
      #expect(missedCount > 0)
      #expect(missed.withLock { $0.reduce(0, +) } == missedCount)
    }
  }

  @Test(
    "misses the oldest, is told how many, and goes on without a hole", arguments: backends,
    [false, true])
  func skip(on kind: BackendKind, sendsDirectly: Bool) throws {
    let lag = LagPolicy.skipOldest(beyondByteCount: 200_000)
    try stall(on: kind, lag, sendsDirectly: sendsDirectly) { running, slow, topic, missed in
      var numbers: [Int] = []
      var gap = 0
      while numbers.last != 3999 {
        let parts = try slow.readFrame().text.split(separator: " ")
        switch parts[0] {
        case "missed": gap += Int(parts[1]) ?? 0
        case "direct": continue
        default:
          let number = Int(parts[0]) ?? 0
          #expect(number == (numbers.last ?? -1) + 1 + gap)
          numbers.append(number)
          gap = 0
        }
      }
      #expect(missed.withLock { $0.reduce(0, +) } == 4000 - numbers.count)
      #expect(topic.statistics.skippedCount == 4000 - numbers.count)
      // What the kernel and the queue held, and what the policy allows.
      #expect((150...2500).contains(numbers.count))
      try slow.expectEcho()
    }
  }

  @Test("is only sent the newest, if that is what it wants", arguments: backends)
  func newest(on kind: BackendKind) throws {
    try stall(on: kind, .newestOnly) { running, slow, topic, missed in
      var count = 0
      var number = -1
      while number != 3999 {
        let parts = try slow.readFrame().text.split(separator: " ")
        guard parts[0] != "missed" else { continue }
        count += 1
        number = Int(parts[0]) ?? 0
      }
      #expect(count < 1000)
      #expect(topic.statistics.conflatedCount == 4000 - count)
      try slow.expectEcho()
    }
  }

  @Test("is only sent the newest of each key, if that is what it wants", arguments: backends)
  func newestPerKey(on kind: BackendKind) throws {
    let filler = String(repeating: "x", count: 1000)
    try stall(
      on: kind, .newestPerKey(beyondByteCount: 8 << 20),
      publish: { topic, number in
        topic.publish("\(number) \(filler)", key: number == 1000 ? 0 : UInt64(number % 7 + 1))
      }
    ) { running, slow, topic, missed in
      var numbers: [Int] = []
      while numbers.last != 3999 {
        let parts = try slow.readFrame().text.split(separator: " ")
        if parts[0] != "missed" { numbers.append(Int(parts[0]) ?? 0) }
      }
      #expect(numbers == numbers.sorted() && numbers.contains(1000))
      #expect(numbers.suffix(7) == [3993, 3994, 3995, 3996, 3997, 3998, 3999])
      #expect(numbers.count < 1000)
      #expect(topic.statistics.conflatedCount == 4000 - numbers.count)
      try slow.expectEcho()
    }
  }

  @Test("still gets pongs and close frames, and costs no memory", arguments: backends)
  func control(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.listener.sendBufferByteCount = 16 << 10 }) { running in
      let topic = running.server.topic("t")
      let slow = try (0..<20).map { _ in try running.open(receiveBufferByteCount: 16 << 10) }
      #expect(eventually { running.journal.connections.count == 20 })
      for connection in running.journal.connections {
        connection.subscribe(to: topic, lag: .skipOldest(beyondByteCount: 1 << 20))
      }
      let before = ProcessState.trimmedByteCount()
      for number in 0..<20_000 {
        topic.publish(Self.message)
        if number % 100 == 0 { usleep(500) }
      }
      #expect(eventually { topic.statistics.skippedCount > 20 * 10_000 })
      #expect(
        eventually {
          running.journal.connections.allSatisfy { ($0.queuedByteCount ?? 0) <= 4096 }
        }, "what has been begun, and no more")
      // The log, once. Twenty queues of a mebibyte would be twenty times that.
      #expect(
        !ProcessState.tellsMemory || ProcessState.residentByteCount() < before + (6 << 20))
      try slow[0].send(.ping("there?"))
      var frame = try slow[0].readFrame()
      while frame.opcode == 2 { frame = try slow[0].readFrame() }
      #expect(frame == .pong("there?"))
      running.journal.connections[0].close(.goingAway)
      while frame.opcode != 8 { frame = try slow[0].readFrame() }
      #expect(frame.closeCode == 1001)
      for peer in slow { peer.reset() }
    }
  }

  @Test(
    "has the log give its memory back when it has caught up or gone",
    .enabled(if: ProcessState.tellsMemory), arguments: backends)
  func memory(on kind: BackendKind) throws {
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.lingerMilliseconds = 1
      }
    ) { running in
      let topic = running.server.topic(
        "t", options: TopicOptions(lag: .close(beyondByteCount: 16 << 20)))
      let peers = try (0..<4).map { _ in try running.open(receiveBufferByteCount: 16 << 10) }
      #expect(eventually { running.journal.connections.count == 4 })
      for connection in running.journal.connections { connection.subscribe(to: topic) }
      let before = process_allocated_byte_count()
      for _ in 0..<8000 { topic.publish(Self.message) }
      #expect(process_allocated_byte_count() > before + (7 << 20))
      #expect(process_allocated_byte_count() < before + (12 << 20))
      for peer in peers.prefix(2) {
        for _ in 0..<8000 { #expect(try peer.readFrame().payload.count == 1000) }
      }
      for peer in peers.suffix(2) { peer.reset() }
      #expect(eventually { process_allocated_byte_count() < before + (1 << 20) })
      for peer in peers.prefix(2) { try peer.expectEcho() }
    }
  }
}
