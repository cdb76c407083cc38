import Glibc
import Testing
import WebSocket

/// Bursts of messages to hundreds of connections, as a whole in one segment of the log or in several.
@Suite("A topic with very many subscribers", .serialized)
struct WideTopicTests {
  private static let subscriberCount = 300
  private static let large = String(repeating: "large", count: 40_000)

  private static func message(_ number: Int) -> String {
    let text = "\(number) "
    return text + String(repeating: Character(Unicode.Scalar(97 + number % 26)!), count: 100)
  }

  /// Lends `body` so many subscribers of a topic.
  private func crowd(
    on kind: BackendKind, count: Int = subscriberCount, lag: LagPolicy? = nil,
    sendBufferByteCount: Int32 = 0, receiveBufferByteCount: Int32? = nil,
    then body: (RunningServer, Topic, [Peer]) throws -> Void
  ) throws {
    let registry = TopicRegistry()
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.reactorCount = 1
        if sendBufferByteCount > 0 { $0.listener.sendBufferByteCount = sendBufferByteCount }
        $0.reactor.lingerMilliseconds = 1
      },
      handle: { on, _ in
        let topic = registry.topic("t")
        // On the reactor's own thread, a burst is there as a whole when it is sent.
        on.received = { connection, message, _ in
          let parts = message.text.split(separator: " ")
          guard parts.first == "publish", parts.count == 3 else {
            return _ = connection.send(message)
          }
          guard parts[1] != "large" else { return _ = topic.publish(Self.large) }
          for number in (Int(parts[1]) ?? 0)..<(Int(parts[2]) ?? 0) {
            topic.publish(Self.message(number))
          }
        }
      }
    ) { running in
      let topic = registry.topic("t")
      let peers = try (0..<count).map { _ in
        try running.open(receiveBufferByteCount: receiveBufferByteCount)
      }
      #expect(eventually { running.journal.connections.count == count })
      for connection in running.journal.connections { connection.subscribe(to: topic, lag: lag) }
      try body(running, topic, peers)
      for peer in peers { peer.reset() }
    }
  }

  private func publish(_ numbers: Range<Int>, through peer: Peer) throws {
    try peer.send(.text("publish \(numbers.lowerBound) \(numbers.upperBound)"))
  }

  private func expect(_ numbers: Range<Int>, by peers: [Peer]) throws {
    for peer in peers {
      for number in numbers {
        let frame = try peer.readFrame()
        guard frame == .text(Self.message(number)) else {
          Issue.record("\(frame.text.prefix(20)) instead of \(number)")
          return
        }
      }
    }
  }

  @Test("is sent bursts, whole and in order", arguments: backends)
  func burst(on kind: BackendKind) throws {
    try crowd(on: kind) { running, topic, peers in
      for round in 0..<12 {
        try publish(round * 300..<(round + 1) * 300, through: peers[peers.count - 1])
        try expect(round * 300..<(round + 1) * 300, by: peers)
      }
      for peer in peers.prefix(3) { try peer.expectEcho() }
    }
  }

  @Test("has all arrive through sockets that take only a part of it", arguments: backends)
  func partial(on kind: BackendKind) throws {
    try crowd(
      on: kind, lag: .close(beyondByteCount: 64 << 20), sendBufferByteCount: 16 << 10,
      receiveBufferByteCount: 16 << 10
    ) { running, topic, peers in
      for round in 0..<3 {
        try publish(round * 1000..<(round + 1) * 1000, through: peers[peers.count - 1])
        usleep(100_000)
        try expect(round * 1000..<(round + 1) * 1000, by: peers)
      }
    }
  }

  @Test("goes on when some of them are reset in the middle", arguments: backends)
  func reset(on kind: BackendKind) throws {
    try crowd(on: kind, count: 400) { running, topic, peers in
      for round in 0..<4 {
        for peer in peers[round * 25..<(round + 1) * 25] { peer.reset() }
        try publish(round * 500..<(round + 1) * 500, through: peers[peers.count - 1])
        try expect(round * 500..<(round + 1) * 500, by: Array(peers[100...]))
      }
      #expect(eventually { running.connectionCount == 300 })
    }
  }

  @Test("keeps its order with what is sent directly, and large messages", arguments: backends)
  func mixed(on kind: BackendKind) throws {
    try crowd(on: kind) { running, topic, peers in
      let connections = running.journal.connections
      for round in 0..<3 {
        for connection in connections { connection.send("direct") }
        try publish(round * 300..<(round + 1) * 300, through: peers[peers.count - 1])
        try peers[peers.count - 1].send(.text("publish large \(round)"))
        try publish(5000..<5300, through: peers[peers.count - 1])
        for peer in peers {
          guard try peer.readFrame() == .text("direct") else {
            Issue.record("the direct one is not first")
            return
          }
          try expect(round * 300..<(round + 1) * 300, by: [peer])
          guard try peer.readFrame() == .text(Self.large) else {
            Issue.record("the large one is not there")
            return
          }
          try expect(5000..<5300, by: [peer])
        }
      }
    }
  }

  @Test(
    "gives the memory back when it has no subscribers any more",
    .enabled(if: ProcessState.tellsMemory))
  func memory() async {
    await #expect(processExitsWith: .success) {
      for kind in backends { try WideTopicTests().memory(on: kind) }
    }
  }

  private func memory(on kind: BackendKind) throws {
    try crowd(
      on: kind, lag: .skipOldest(beyondByteCount: 32 << 20), sendBufferByteCount: 16 << 10,
      receiveBufferByteCount: 16 << 10
    ) { running, topic, peers in
      // Nobody reads: what the topic holds grows up to the limit.
      for round in 0..<300 { try peers[peers.count - 1].send(.text("publish large \(round)")) }
      #expect(eventually(seconds: 20) { topic.statistics.skippedCount > 0 })
      let most = ProcessState.trimmedByteCount()
      for connection in running.journal.connections { connection.unsubscribe(from: topic) }
      #expect(eventually(seconds: 20) { ProcessState.trimmedByteCount() < most - (16 << 20) })
    }
  }
}
