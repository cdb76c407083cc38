import Glibc
import Testing
import WebSocket

@Suite("A connection's subscriptions")
struct SubscriptionLimitTests {
  @Test("are as many as allowed, whoever asks for them", arguments: backends)
  func limit(on kind: BackendKind) throws {
    let topics = (0..<40).map { TopicRegistry().topic("\($0)") }
    let answers = Locked<[Subscribing]>([])
    try serve(
      on: kind, configure: { $0.reactor.subscriptionCountMax = 20 },
      handle: { on, _ in
        on.received = { connection, message, _ in
          let number = Int(message.text) ?? 0
          answers.withLock { $0.append(connection.subscribe(to: topics[number])) }
          connection.send("done")
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      let start = Subscribing.subscribed(at: TopicPosition(ordinal: 0))
      // Each counts from the moment that it is asked for.
      for number in 0..<19 { #expect(connection.subscribe(to: topics[number]) == start) }
      for number in [30, 30, 31] {
        try peer.send(.text("\(number)"))
        #expect(try peer.readFrame() == .text("done"))
      }
      #expect(answers.withLock { $0 } == [start, start, .tooMany])
      #expect(connection.subscribe(to: topics[32]) == .tooMany)
      #expect(topics[31].subscriberCount == 0 && topics[32].subscriberCount == 0)
      // A place comes free when the reactor has ended a subscription.
      connection.unsubscribe(from: topics[0])
      #expect(eventually { connection.subscribe(to: topics[33]) == start })
      // One that comes to nothing takes none.
      let gone = TopicPosition(ordinal: 7)
      connection.unsubscribe(from: topics[1])
      #expect(eventually { topics[1].subscriberCount == 0 })
      #expect(
        connection.subscribe(to: topics[34], from: gone)
          == .positionGone(oldest: TopicPosition(ordinal: 0)))
      #expect(connection.subscribe(to: topics[35]) == start)
      // The next connection in its place has as many.
      peer.close()
      #expect(eventually { topics.allSatisfy { $0.subscriberCount == 0 } })
      let (next, other) = try running.openWithHandle()
      for number in 0..<20 { #expect(other.subscribe(to: topics[number]) == start) }
      #expect(other.subscribe(to: topics[20]) == .tooMany)
      next.close()
    }
  }

  @Test(
    "are sent what is published, few or many of them, left and entered again", arguments: backends)
  func many(on kind: BackendKind) throws {
    let topics = (0..<100).map { TopicRegistry().topic("\($0)") }
    try serve(on: kind, configure: { $0.reactor.reactorCount = 1 }) { running in
      let (peer, connection) = try running.openWithHandle()
      let (other, second) = try running.openWithHandle()
      for count in [3, 100, 8, 9, 40] {
        for topic in topics.prefix(count) {
          connection.subscribe(to: topic)
          if count > 50 { second.subscribe(to: topic) }
        }
        for topic in topics.prefix(count) {
          for round in 0..<2 {
            topic.publish("\(topic.nameText) \(round)")
            connection.send("behind \(round)")
          }
        }
        // Of one topic in its order, and before what was sent behind it.
        var next = Array(repeating: 0, count: count)
        var behindCount = 0
        while behindCount < 2 * count {
          let words = try peer.readFrame().text.split(separator: " ")
          guard words[0] != "behind", let topic = Int(words[0]) else {
            #expect(next[behindCount / 2] > behindCount % 2)
            behindCount += 1
            continue
          }
          #expect(Int(words[1]) == next[topic])
          next[topic] += 1
        }
        #expect(next.allSatisfy { $0 == 2 })
        // Those behind and in the middle, and then all.
        for topic in topics.prefix(count).reversed() { connection.unsubscribe(from: topic) }
        #expect(eventually { topics[0].subscriberCount == (count > 50 ? 1 : 0) })
        for topic in topics.prefix(count) where count > 50 { second.unsubscribe(from: topic) }
        #expect(eventually { topics.allSatisfy { $0.subscriberCount == 0 } })
      }
      other.close()
      try peer.expectEcho()
    }
  }

  @Test("cost what it is sent nothing, however many they are", arguments: backends)
  func cost(on kind: BackendKind) throws {
    let count = 20_000
    let registry = TopicRegistry()
    let topics = (0..<count).map { registry.topic("\($0)") }
    let isDone = Flag()
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.reactorCount = 1
        $0.reactor.subscriptionCountMax = .max
      },
      handle: { on, _ in
        on.received = { connection, message, _ in
          if message.text == "all" {
            for topic in topics { connection.subscribe(to: topic) }
            isDone.set()
          }
          connection.send(message)
        }
      }
    ) { running in
      let peer = try running.open()
      // To walk over those that are there would be 200,000,000 steps, several seconds.
      let subscribing = try seconds {
        try peer.send(.text("all"))
        #expect(try peer.readFrame() == .text("all"))
      }
      #expect(subscribing < 2 && isDone.isSet)
      let echoing = try seconds {
        for _ in 0..<200 { try peer.expectEcho() }
      }
      #expect(echoing < 1, "a walk for each would be over 4,000,000 steps at least")
      // Each has its message all the same, in one send for all.
      for topic in topics { topic.publish(topic.nameText) }
      var seen = Set<String>()
      for _ in 0..<count { seen.insert(try peer.readFrame().text) }
      #expect(seen.count == count)
      try peer.expectEcho()
      let ending = seconds {
        peer.close()
        #expect(eventually { topics.allSatisfy { $0.subscriberCount == 0 } })
      }
      #expect(ending < 2)
    }
  }
}
