import Glibc
import Synchronization
import Testing
import WebSocket

@Suite("Races of topics")
struct TopicRaceTests {
  /// Of each of four publishers.
  private static let messageCount = 100 * RaceSize.messageCount

  @Test(
    "with subscribers that come, go, close and are reset lose nothing and repeat nothing",
    arguments: backends)
  func churn(on kind: BackendKind) throws {
    try serve(
      on: kind, recordsTraffic: false, configure: { $0.reactor.queue.byteCountMax = 64 << 20 }
    ) { running in
      let registry = TopicRegistry()
      let options = TopicOptions(lag: .close(beyondByteCount: 64 << 20))
      let topics = (0..<3).map { registry.topic("\($0)", options: options) }
      let survivors = try (0..<8).map { _ in try running.open() }
      #expect(eventually { running.journal.connections.count == 8 })
      let connections = running.journal.connections
      // Each of them begins where it is told it does.
      let starts = Locked<[Int: TopicPosition]>([:])
      let isDone = Flag()
      let churn = Threads.start {
        Threads.run(3) { number in
          var random = SeededRandom(seed: UInt64(number) + 1)
          while !isDone.isSet { Self.comeAndGo(running, topics, &random) }
        }
      }
      let publishers = Threads.start {
        Threads.run(4) { thread in
          for number in 0..<Self.messageCount {
            topics[0].publish("\(thread) \(number)")
            if number % 7 == 0 { topics[1].publish("other", excluding: connections[thread]) }
            if number % 11 == 0 { connections[thread].send("direct \(thread) \(number)") }
          }
        }
      }
      for (index, connection) in connections.enumerated() {
        guard case .subscribed(let start) = connection.subscribe(to: topics[0]) else {
          Issue.record("not subscribed")
          continue
        }
        starts.withLock { $0[index] = start }
        if index % 2 == 0 { connection.subscribe(to: topics[1]) }
      }
      pthread_join(publishers, nil)
      topics[0].publish("end")
      var sequences: [Int: [String]] = [:]
      for (index, peer) in survivors.enumerated() {
        sequences[index] = try Self.read(peer)
      }
      isDone.set()
      pthread_join(churn, nil)
      Self.check(sequences, starts.withLock { $0 })
    }
  }

  /// What a peer is sent of the first topic, up to its end.
  private static func read(_ peer: Peer) throws -> [String] {
    var texts: [String] = []
    while true {
      let text = try peer.readFrame().text
      if text == "end" { return texts }
      if text != "other", !text.hasPrefix("direct") { texts.append(text) }
    }
  }

  /// All end with the same; each begins where it was told.
  private static func check(_ sequences: [Int: [String]], _ starts: [Int: TopicPosition]) {
    guard let longest = sequences.values.max(by: { $0.count < $1.count }),
      let first = starts.values.min()
    else { return }
    for (index, sequence) in sequences {
      #expect(sequence == longest.suffix(sequence.count))
      let offset = Int((starts[index]?.ordinal ?? 0) - first.ordinal)
      #expect(sequence.count == longest.count - offset)
    }
    for thread in 0..<4 {
      let own = longest.filter { $0.hasPrefix("\(thread) ") }
      let numbers = own.compactMap { Int($0.split(separator: " ")[1]) }
      guard let begin = numbers.first else { continue }
      #expect(numbers == Array(begin..<Self.messageCount))
    }
  }

  /// A connection that subscribes here and there, is sent something, and ends in one way or another.
  private static func comeAndGo(
    _ running: RunningServer, _ topics: [Topic], _ random: inout SeededRandom
  ) {
    guard let peer = try? running.open() else { return }
    let known = running.journal.connections
    for _ in 0..<8 {
      guard let connection = known.randomElement(using: &random),
        !known.prefix(8).contains(connection)
      else { continue }
      let topic = topics[Int(random.next() % 3)]
      switch random.next() % 8 {
      case 0: connection.close()
      case 1, 2: connection.unsubscribe(from: topic)
      case 3: connection.subscribe(to: topic, lag: .newestOnly)
      case 4: topics[2].publish("churn", excluding: connection)
      default: connection.subscribe(to: topic)
      }
    }
    switch random.next() % 3 {
    case 0: peer.reset()
    case 1: peer.finish()
    default: peer.close()
    }
  }

  @Test(
    "with the end of the server leave nobody subscribed, and no topic behind", arguments: backends)
  func stop(on kind: BackendKind) throws {
    let registry = TopicRegistry()
    try serve(on: kind, recordsTraffic: false) { running in
      let peers = try (0..<10).map { _ in try running.open() }
      #expect(eventually { running.journal.connections.count == 10 })
      let connections = running.journal.connections
      let isDone = Flag()
      let threads = Threads.start {
        Threads.run(4) { number in
          let topic = registry.topic("\(number % 2)")
          while !isDone.isSet {
            for connection in connections {
              connection.subscribe(to: topic)
              topic.publish("to all of them")
              connection.send("to one of them")
            }
            connections[number].unsubscribe(from: topic)
          }
        }
      }
      usleep(50_000)
      running.server.stop()
      for peer in peers { peer.close() }
      running.server.wait()
      isDone.set()
      pthread_join(threads, nil)
      #expect(eventually { registry.count == 0 })
    }
  }
}
