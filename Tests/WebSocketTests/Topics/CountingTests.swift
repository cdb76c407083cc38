import Glibc
import Testing
import WebSocket

/// A client that counts: it is told where it begins and where it goes on, and takes each message for
/// the next one.
private struct CountingClient {
  let peer: Peer
  var position: Int
  var messageCount = 0
  var directCount = 0
  var missedCount = 0
  var excludedCount = 0

  /// Reads up to the message with a number, or the close frame, whose code it returns.
  mutating func read(upTo last: Int) throws -> UInt16? {
    while position <= last {
      let frame = try peer.readFrame()
      guard frame.opcode == 1 else { return frame.closeCode }
      let words = frame.text.split(separator: " ")
      switch words[0] {
      case "gap":
        let counts = words.dropFirst().compactMap { Int($0) }
        #expect(counts[2] == position + counts[0] + counts[1] && counts[0] + counts[1] > 0)
        missedCount += counts[0]
        excludedCount += counts[1]
        position = counts[2]
      case "direct": directCount += 1
      default:
        #expect(Int(words[0]) == position)
        messageCount += 1
        position += 1
      }
    }
    return nil
  }
}

@Suite("A client that counts")
struct CountingTests {
  private static let filler = String(repeating: "x", count: 500)
  private static let tellGap: @Sendable (Connection, TopicGap, inout Tracked) -> Void = {
    connection, gap, _ in
    connection.send("gap \(gap.missedCount) \(gap.excludedCount) \(gap.nextPosition.ordinal)")
  }

  /// Publishes 6,000 messages while a client reads now and then, some of them not for it.
  private func count(
    on kind: BackendKind, _ lag: LagPolicy, isReplayed: Bool = false,
    then: (TopicStatistics, CountingClient, UInt16?) throws -> Void
  ) throws {
    let topic = TopicRegistry().topic("t", options: TopicOptions(historyByteCount: 64 << 20))
    func publish(_ number: Int, to connection: Connection) {
      // A newest of each key, now and then in between, and one without.
      let key = number % 100 == 17 ? UInt64(number / 100 % 7 + 1) : UInt64(number % 5 + 10)
      topic.publish(
        "\(number) \(Self.filler)", key: number % 250 == 3 ? 0 : key,
        excluding: number % 40 == 7 ? connection : nil)
      if number % 1500 == 20 { connection.send("direct") }
    }
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.queue.overflow = .dropNewest
        $0.reactor.queue.byteCountMax = 16 << 20
      },
      handle: { on, _ in on.lagged = Self.tellGap }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      if isReplayed { for number in 0..<1000 { publish(number, to: connection) } }
      let begin = connection.subscribe(
        to: topic, from: isReplayed ? TopicPosition(ordinal: 100) : nil, lag: lag)
      guard case .subscribed(let start) = begin else { return #expect(Bool(false)) }
      var client = CountingClient(peer: peer, position: Int(start.ordinal))
      var code: UInt16?
      for number in (isReplayed ? 1000 : 0)..<6000 {
        publish(number, to: connection)
        if number % 700 == 699, code == nil { code = try client.read(upTo: number - 600) }
      }
      topic.publish("6000 end")
      if code == nil { code = try client.read(upTo: 6000) }
      try then(topic.statistics, client, code)
      peer.reset()
    }
  }

  private func expectAll(_ client: CountingClient, of count: Int) {
    #expect(client.messageCount + client.missedCount + client.excludedCount == count)
    #expect(client.position == 6001)
  }

  @Test("is right until it is closed for its lag", arguments: backends)
  func close(on kind: BackendKind) throws {
    try count(on: kind, .close(beyondByteCount: 100_000)) { statistics, client, code in
      #expect(code == 1013 && client.missedCount == 0 && client.excludedCount > 0)
    }
  }

  @Test("is right when the oldest are skipped", arguments: backends, [false, true])
  func skipOldest(on kind: BackendKind, isReplayed: Bool) throws {
    try count(on: kind, .skipOldest(beyondByteCount: 50_000), isReplayed: isReplayed) {
      statistics, client, _ in
      expectAll(client, of: isReplayed ? 5901 : 6001)
      #expect(client.missedCount > 0 && client.missedCount == statistics.skippedCount)
    }
  }

  @Test("is right when it is only sent the newest", arguments: backends)
  func newestOnly(on kind: BackendKind) throws {
    try count(on: kind, .newestOnly) { statistics, client, _ in
      expectAll(client, of: 6001)
      #expect(client.missedCount > 0 && client.missedCount == statistics.conflatedCount)
    }
  }

  @Test("is right when it is only sent the newest of each key", arguments: backends, [false, true])
  func newestPerKey(on kind: BackendKind, isReplayed: Bool) throws {
    try count(on: kind, .newestPerKey(beyondByteCount: 1 << 20), isReplayed: isReplayed) {
      statistics, client, _ in
      expectAll(client, of: isReplayed ? 5901 : 6001)
      #expect(client.missedCount > 0)
      #expect(client.missedCount == statistics.conflatedCount + statistics.skippedCount)
    }
  }

  @Test(
    "is right when a handler sends behind what it has published", arguments: backends,
    [
      LagPolicy.newestOnly, .newestPerKey(beyondByteCount: 1 << 20),
      .close(beyondByteCount: 1 << 20),
    ]
  )
  func behindOwn(on kind: BackendKind, lag: LagPolicy) throws {
    let topic = TopicRegistry().topic("t")
    try serve(
      on: kind,
      handle: { on, _ in
        on.lagged = Self.tellGap
        on.opened = { connection, _ in connection.subscribe(to: topic, lag: lag) }
        on.received = { connection, message, _ in
          for number in 0..<10 {
            topic.publish(
              "\(topic.endPosition.ordinal) own", key: UInt64(number % 2 + 1),
              excluding: number % 4 == 3 ? connection : nil)
          }
          connection.send("direct")
        }
      }
    ) { running in
      var client = CountingClient(peer: try running.open(), position: 0)
      for round in 1...20 {
        try client.peer.send(.text("go"))
        #expect(try client.read(upTo: 10 * round - 1) == nil)
        // Behind the tenth message, which is a newest one.
        #expect(try client.peer.readFrame() == .text("direct"))
      }
      #expect(client.directCount == 0 && client.excludedCount == 40)
      switch lag {
      case .close: #expect(client.missedCount == 0)
      case .newestOnly: #expect(client.messageCount == 20)
      default: #expect(client.messageCount == 40)
      }
    }
  }

  @Test(
    "is right when a handler has published, and a job of another connection sends behind that",
    arguments: backends)
  func behindPublished(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    let hasPublished = Locked(false)
    let isPosted = Locked(false)
    try serve(
      on: kind, configure: { $0.reactor.reactorCount = 1 },
      handle: { on, _ in
        on.lagged = Self.tellGap
        on.received = { _, _, _ in
          for number in 0..<10 {
            topic.publish("\(topic.endPosition.ordinal) own", key: UInt64(number % 2 + 1))
          }
          hasPublished.withLock { $0 = true }
          while !isPosted.withLock({ $0 }) { usleep(500) }
          isPosted.withLock { $0 = false }
        }
      }
    ) { running in
      let (publisher, publishing) = try running.openWithHandle()
      let (peer, connection) = try running.openWithHandle()
      connection.subscribe(to: topic, lag: .newestPerKey(beyondByteCount: 1 << 20))
      var client = CountingClient(peer: peer, position: 0)
      for round in 1...20 {
        try publisher.send(.text("go"))
        #expect(eventually { hasPublished.withLock { $0 } })
        hasPublished.withLock { $0 = false }
        // Comes through the mailbox behind what was published, and is done before that is offered.
        publishing.withState(as: Tracked.self) { _ in connection.send("direct") }
        isPosted.withLock { $0 = true }
        #expect(try client.read(upTo: 10 * round - 1) == nil)
        #expect(client.directCount == 0)
        #expect(try peer.readFrame() == .text("direct"))
      }
      #expect(client.messageCount == 40)
    }
  }

  @Test(
    "is told of a gap once, although the socket had no room for what comes before and behind it",
    arguments: backends)
  func fullSocket(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    let missedCount = Locked(0)
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.reactorCount = 1
        $0.listener.sendBufferByteCount = 16 << 10
      },
      handle: { on, _ in
        on.lagged = { _, gap, _ in missedCount.withLock { $0 += gap.missedCount } }
        on.received = { connection, message, _ in
          guard message.text == "publish" else {
            connection.send(Self.filler)
            return
          }
          topic.publish(String(repeating: "y", count: 10_000), key: 1)
          topic.publish("superseded", key: 2)
          topic.publish("last", key: 2)
        }
      }
    ) { running in
      let publisher = try running.open()
      let (first, stalled) = try running.openWithHandle(receiveBufferByteCount: 4096)
      // The last one waits in the queue. One less fills the socket, and nobody knows that it is full.
      var count = -1
      while stalled.queuedByteCount == 0 {
        try first.send(.text("one"))
        usleep(2000)
        count += 1
      }
      for number in (count - 2)...(count + 1) {
        let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 4096)
        for _ in 0..<number {
          try peer.send(.text("one"))
          usleep(2000)
        }
        connection.subscribe(to: topic, lag: .newestPerKey(beyondByteCount: 1 << 20))
        #expect(eventually { topic.subscriberCount == 1 })
        missedCount.withLock { $0 = 0 }
        try publisher.send(.text("publish"))
        usleep(20_000)
        while try peer.readFrame().text != "last" {}
        #expect(missedCount.withLock { $0 } == 1)
        peer.reset()
        #expect(eventually { topic.subscriberCount == 0 })
      }
      first.reset()
    }
  }

  @Test("is told of its own message at once, if it is excluded from it", arguments: backends)
  func ownMessages(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    try serve(
      on: kind,
      handle: { on, _ in
        on.lagged = Self.tellGap
        on.opened = { connection, _ in connection.subscribe(to: topic) }
        on.received = { connection, message, _ in topic.publish(message, excluding: connection) }
      }
    ) { running in
      let peer = try running.open()
      for number in 1...5 {
        try peer.send(.text("mine"))
        #expect(try peer.readFrame() == .text("gap 0 1 \(number)"))
      }
    }
  }
}
