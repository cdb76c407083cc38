import CProcess
import Glibc
import Testing
import WebSocket

@Suite("A subscriber that comes back")
struct ResumeTests {
  @Test("gets what it has missed, and goes on without gap or repetition", arguments: backends)
  func resumes(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("t", options: TopicOptions(historyByteCount: 1 << 20))
      for number in 0..<1000 { topic.publish("\(number)") }
      let publisher = Threads.start {
        for number in 1000..<3000 { topic.publish("\(number)") }
      }
      for start in [0, 1, 500, 999] {
        let (peer, connection) = try running.openWithHandle()
        let position = TopicPosition(ordinal: UInt64(start))
        #expect(connection.subscribe(to: topic, from: position) == .subscribed(at: position))
        for number in start..<3000 { #expect(try peer.readFrame() == .text("\(number)")) }
        peer.close()
      }
      pthread_join(publisher, nil)
    }
  }

  @Test("is told when the position is gone, or has not come", arguments: backends)
  func gone(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("t", options: TopicOptions(historyByteCount: 50_000))
      for _ in 0..<1000 { topic.publish([UInt8](repeating: 1, count: 1000)) }
      let (peer, connection) = try running.openWithHandle()
      let outcome = connection.subscribe(to: topic, from: TopicPosition(ordinal: 3))
      guard case .positionGone(let oldest) = outcome else {
        Issue.record("not gone: \(outcome)")
        return
      }
      #expect((940..<1000).contains(oldest.ordinal))
      #expect(
        connection.subscribe(to: topic, from: TopicPosition(ordinal: 1001))
          == .positionGone(oldest: oldest))
      #expect(connection.subscribe(to: topic, from: oldest) == .subscribed(at: oldest))
      for _ in oldest.ordinal..<1000 { #expect(try peer.readFrame().payload.count == 1000) }
      topic.publish("next")
      #expect(try peer.readFrame() == .text("next"))
    }
  }

  @Test("does not find what is too old", arguments: backends)
  func age(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic(
        "t", options: TopicOptions(historyByteCount: 1 << 20, historyMilliseconds: 50))
      for _ in 0..<100 { topic.publish([UInt8](repeating: 1, count: 1000)) }
      usleep(120_000)
      topic.publish("new")
      #expect(topic.statistics.keptByteCount < 70_000)
    }
  }

  @Test(
    "and then reads nothing is bounded by its policy like any other",
    .enabled(if: ProcessState.tellsMemory), arguments: backends)
  func stalls(on kind: BackendKind) throws {
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.lingerMilliseconds = 1
      }
    ) { running in
      let topic = running.server.topic(
        "t",
        options: TopicOptions(
          historyByteCount: 1 << 20, lag: .skipOldest(beyondByteCount: 1 << 20)))
      let message = [UInt8](repeating: 4, count: 1000)
      for _ in 0..<500 { topic.publish(message) }
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      connection.subscribe(to: topic, from: TopicPosition(ordinal: 0))
      let before = process_allocated_byte_count()
      for number in 0..<20_000 {
        topic.publish(message)
        if number % 200 == 0 { usleep(1000) }
      }
      #expect(eventually { topic.statistics.skippedCount > 15_000 })
      #expect(eventually { process_allocated_byte_count() < before + (4 << 20) })
      peer.reset()
    }
  }
}
