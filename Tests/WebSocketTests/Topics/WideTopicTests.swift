import Glibc
import Testing
import WebSocket

/// Where a burst is sent from the log's file, without copies for each subscriber. Each test has a process of its own:
/// others look at how much memory theirs takes.
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

  private func fileSendCount(_ running: RunningServer) -> Int {
    running.server.statistics.reduce(0) { $0 + Int($1.fileSendCount) }
  }

  /// Nothing as large as a segment is left.
  private func isBack(to byteCount: Int) -> Bool {
    ProcessState.sharedByteCount() < byteCount + (64 << 10)
  }

  private func sentByteCount(_ running: RunningServer) -> Int {
    running.server.statistics.reduce(0) { $0 + Int($1.sentByteCount) }
  }

  @Test("has bursts sent from the log's file, once for each")
  func burst() async {
    await #expect(processExitsWith: .success) {
      try WideTopicTests().burst(on: .epoll)
    }
  }

  private func burst(on kind: BackendKind) throws {
    try crowd(on: kind) { running, topic, peers in
      for round in 0..<12 {
        try publish(round * 300..<(round + 1) * 300, through: peers[peers.count - 1])
        try expect(round * 300..<(round + 1) * 300, by: peers)
      }
      #expect(eventually { fileSendCount(running) >= 10 * peers.count })
      for peer in peers.prefix(3) { try peer.expectEcho() }
    }
  }

  @Test("gets ordinary sends for short bursts, or few subscribers")
  func ordinary() async {
    await #expect(processExitsWith: .success) {
      for kind in backends { try WideTopicTests().ordinary(on: kind) }
    }
  }

  private func ordinary(on kind: BackendKind) throws {
    for (count, messageCount) in [(Self.subscriberCount, 100), (200, 300)] {
      try crowd(on: kind, count: count) { running, topic, peers in
        for round in 0..<8 {
          let numbers = round * messageCount..<(round + 1) * messageCount
          try publish(numbers, through: peers[peers.count - 1])
          try expect(numbers, by: peers)
        }
        usleep(20_000)
        #expect(fileSendCount(running) == 0)
      }
    }
  }

  @Test("sends late readers what it was, though the log has let go of it and gone on")
  func lateReaders() async {
    await #expect(processExitsWith: .success) {
      try WideTopicTests().lateReaders(on: .epoll)
    }
  }

  private func lateReaders(on kind: BackendKind) throws {
    let before = ProcessState.sharedByteCount()
    try crowd(on: kind) { running, topic, peers in
      // Fills the small segments.
      try publish(0..<600, through: peers[peers.count - 1])
      try expect(0..<600, by: peers)
      for round in 2..<4 {
        let sentBefore = sentByteCount(running)
        let byteCount = (round * 300..<(round + 1) * 300).reduce(0) {
          $0 + Self.message($1).utf8.count
        }
        try publish(round * 300..<(round + 1) * 300, through: peers[peers.count - 1])
        #expect(eventually { sentByteCount(running) >= sentBefore + byteCount * peers.count })
      }
      #expect(fileSendCount(running) >= 2 * peers.count)
      #expect(ProcessState.sharedByteCount() > before)
      // The log lets go of what all have been sent.
      #expect(eventually(seconds: 10) { isBack(to: before) })
      // What comes then would be there, if that were used again.
      for _ in 0..<3 {
        for _ in 0..<200 { topic.publish(String(repeating: "#", count: 100)) }
        usleep(10_000)
      }
      for peer in peers {
        try expect(600..<1200, by: [peer])
        for _ in 0..<600 {
          guard try peer.readFrame().text == String(repeating: "#", count: 100) else {
            Issue.record("not what was published")
            return
          }
        }
      }
    }
  }

  @Test("has all arrive through sockets that take only a part of it")
  func partial() async {
    await #expect(processExitsWith: .success) {
      try WideTopicTests().partial(on: .epoll)
    }
  }

  private func partial(on kind: BackendKind) throws {
    try crowd(
      on: kind, lag: .close(beyondByteCount: 64 << 20), sendBufferByteCount: 16 << 10,
      receiveBufferByteCount: 16 << 10
    ) { running, topic, peers in
      for round in 0..<3 {
        try publish(round * 1000..<(round + 1) * 1000, through: peers[peers.count - 1])
        usleep(100_000)
        try expect(round * 1000..<(round + 1) * 1000, by: peers)
      }
      #expect(fileSendCount(running) > peers.count)
    }
  }

  @Test("goes on when some of them are reset in the middle")
  func reset() async {
    await #expect(processExitsWith: .success) {
      try WideTopicTests().reset(on: .epoll)
    }
  }

  private func reset(on kind: BackendKind) throws {
    try crowd(on: kind, count: 400) { running, topic, peers in
      for round in 0..<4 {
        for peer in peers[round * 25..<(round + 1) * 25] { peer.reset() }
        try publish(round * 500..<(round + 1) * 500, through: peers[peers.count - 1])
        try expect(round * 500..<(round + 1) * 500, by: Array(peers[100...]))
      }
      #expect(fileSendCount(running) >= 3 * 300)
      #expect(eventually { running.connectionCount == 300 })
    }
  }

  @Test("keeps its order with what is sent directly, and large messages")
  func mixed() async {
    await #expect(processExitsWith: .success) {
      try WideTopicTests().mixed(on: .epoll)
    }
  }

  private func mixed(on kind: BackendKind) throws {
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
      #expect(fileSendCount(running) > peers.count)
    }
  }

  @Test("holds little of the log for who has stopped reading in the middle of a message")
  func stuck() async {
    await #expect(processExitsWith: .success) {
      try WideTopicTests().stuck(on: .epoll)
    }
  }

  private func stuck(on kind: BackendKind) throws {
    let before = ProcessState.sharedByteCount()
    try crowd(
      on: kind, lag: .newestOnly, sendBufferByteCount: 16 << 10, receiveBufferByteCount: 16 << 10
    ) { running, topic, peers in
      var late: [Peer] = []
      for _ in 0..<40 {
        // Each comes to a stop in another segment.
        let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
        connection.subscribe(to: topic, lag: .newestOnly)
        late.append(peer)
        for number in 0..<60 {
          topic.publish([UInt8](repeating: 7, count: 6000))
          if number % 10 == 0 { usleep(1000) }
        }
      }
      usleep(50_000)
      #expect(ProcessState.sharedByteCount() < before + (3 << 20))
      for peer in late { peer.reset() }
    }
  }

  @Test("gives the memory back when it has no subscribers any more")
  func memory() async {
    await #expect(processExitsWith: .success) {
      try WideTopicTests().memory(on: .epoll)
    }
  }

  private func memory(on kind: BackendKind) throws {
    let before = ProcessState.sharedByteCount()
    try crowd(
      on: kind, lag: .skipOldest(beyondByteCount: 2 << 20), sendBufferByteCount: 16 << 10,
      receiveBufferByteCount: 16 << 10
    ) { running, topic, peers in
      for round in 0..<300 {
        try publish(round * 100..<(round + 1) * 100, through: peers[peers.count - 1])
        usleep(500)
      }
      // Nobody reads: the limit holds, with a segment more at each end.
      #expect(eventually { topic.statistics.skippedCount > 0 })
      #expect(ProcessState.sharedByteCount() > before + (1 << 20))
      usleep(50_000)
      #expect(ProcessState.sharedByteCount() < before + (4 << 20))
      for connection in running.journal.connections { connection.unsubscribe(from: topic) }
      #expect(eventually { isBack(to: before) })
    }
    #expect(eventually { isBack(to: before) })
  }

  @Test("has copies sent where the file is refused")
  func refused() async {
    await #expect(processExitsWith: .success) {
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      limit.rlim_cur = 1 << 40
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let tests = WideTopicTests()
      for kind in backends {
        try tests.crowd(on: kind) { running, topic, peers in
          for round in 0..<8 {
            try tests.publish(round * 300..<(round + 1) * 300, through: peers[0])
            try tests.expect(round * 300..<(round + 1) * 300, by: peers)
          }
          usleep(20_000)
          guard tests.fileSendCount(running) == 0 else { exit(2) }
        }
      }
    }
  }
}
