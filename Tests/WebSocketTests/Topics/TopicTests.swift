import Synchronization
import Testing
import WebSocket

@Suite("A topic")
struct TopicTests {
  @Test("sends each message once to each subscriber, on whatever reactor", arguments: backends)
  func everybody(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("news")
      let peers = try (0..<12).map { _ in try running.open() }
      #expect(eventually { running.journal.connections.count == 12 })
      for connection in running.journal.connections.prefix(10) {
        #expect(connection.subscribe(to: topic) == .subscribed(at: TopicPosition(ordinal: 0)))
      }
      #expect(topic.subscriberCount == 10)
      for number in 0..<300 {
        #expect(topic.publish("\(number)") == TopicPosition(ordinal: UInt64(number)))
      }
      topic.publish([0, 255])
      for peer in peers.prefix(10) {
        for number in 0..<300 { #expect(try peer.readFrame() == .text("\(number)")) }
        #expect(try peer.readFrame() == .binary([0, 255]))
      }
      for peer in peers.suffix(2) { try peer.expectEcho() }
      #expect(topic.statistics.publishedCount == 301)
    }
  }

  @Test("is in one order for all, and in that of each thread", arguments: backends)
  func order(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("order")
      let peers = try (0..<6).map { _ in try running.open() }
      #expect(eventually { running.journal.connections.count == 6 })
      for connection in running.journal.connections { connection.subscribe(to: topic) }
      Threads.run(4) { thread in
        for number in 0..<1000 { topic.publish("\(thread) \(number)") }
      }
      let first = try (0..<4000).map { _ in try peers[0].readFrame().text }
      for thread in 0..<4 {
        let own = first.filter { $0.hasPrefix("\(thread) ") }
        #expect(own == (0..<1000).map { "\(thread) \($0)" })
      }
      for peer in peers.dropFirst() {
        #expect(try (0..<4000).map { _ in try peer.readFrame().text } == first)
      }
    }
  }

  @Test("of messages of every length sends them whole", arguments: backends)
  func lengths(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("lengths")
      let (peer, connection) = try running.openWithHandle()
      connection.subscribe(to: topic, lag: .close(beyondByteCount: 64 << 20))
      let lengths = [0, 1, 125, 126, 500, 4096, 8191, 8192, 65_535, 65_536, 3_000_000]
      for length in lengths {
        topic.publish([UInt8](repeating: UInt8(length % 251), count: length))
      }
      for length in lengths {
        let frame = try peer.readFrame()
        #expect(frame.payload.count == length)
        #expect(frame.payload.allSatisfy { $0 == UInt8(length % 251) })
      }
    }
  }

  @Test("does not send a message to whom it excludes", arguments: backends)
  func exclusion(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("chat")
      let peers = try (0..<4).map { _ in try running.open() }
      #expect(eventually { running.journal.connections.count == 4 })
      let connections = running.journal.connections
      for connection in connections { connection.subscribe(to: topic) }
      Threads.run(4) { number in
        for round in 0..<200 {
          topic.publish("\(number) \(round)", excluding: connections[number])
        }
      }
      topic.publish("end")
      for (number, peer) in peers.enumerated() {
        var texts: [String] = []
        while case let text = try peer.readFrame().text, text != "end" { texts.append(text) }
        #expect(texts.count == 600)
        #expect(!texts.contains { $0.hasPrefix("\(number) ") })
      }
    }
  }

  @Test(
    "is left by who unsubscribes and by who closes, and then sends nothing", arguments: backends)
  func leaving(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("short")
      let (peer, connection) = try running.openWithHandle()
      let (other, _) = try running.openWithHandle()
      running.journal.connections[1].subscribe(to: topic)
      connection.subscribe(to: topic)
      connection.subscribe(to: topic)
      topic.publish("1")
      connection.unsubscribe(from: topic)
      topic.publish("2")
      connection.subscribe(to: topic)
      topic.publish("3")
      #expect(try peer.readFrame() == .text("1"))
      #expect(try peer.readFrame() == .text("3"))
      for number in 1...3 { #expect(try other.readFrame() == .text("\(number)")) }
      #expect(eventually { topic.subscriberCount == 2 })
      other.reset()
      #expect(eventually { topic.subscriberCount == 1 })
      connection.close()
      topic.publish("4")
      #expect(try peer.readFrame() == .close(1000))
      try peer.send(.close(1000))
      #expect(try peer.readsEnd())
      #expect(eventually { topic.subscriberCount == 0 })
      #expect(eventually { connection.subscribe(to: topic) == .closed })
    }
  }

  @Test("is one of those that a handler finds its connection subscribed to", arguments: backends)
  func listing(on kind: BackendKind) throws {
    let registry = TopicRegistry()
    let names = Locked<[[String]]>([])
    try serve(
      on: kind,
      handle: { on, _ in
        on.opened = { connection, _ in
          for name in ["a", "b", "c"] { connection.subscribe(to: registry.topic(name)) }
          names.withLock { $0.append(connection.topics?.map(\.nameText).sorted() ?? []) }
          connection.unsubscribe(from: registry.topic("b"))
        }
        on.received = { connection, _, _ in
          names.withLock { $0.append(connection.topics?.map(\.nameText).sorted() ?? []) }
          connection.send("ok")
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      try peer.send(.text("?"))
      #expect(try peer.readFrame() == .text("ok"))
      #expect(names.withLock { $0 } == [["a", "b", "c"], ["a", "c"]])
      #expect(connection.topics == nil, "not on the reactor's thread")
      #expect(registry.count == 2)
    }
    #expect(registry.count == 0)
  }
}
