import Testing
import WebSocket

/// What a handler sends to a subscriber behind what it has published is posted to its own reactor.
@Suite("What a handler sends behind what it has published")
struct OwnPostTests {
  @Test("is not overtaken when the last subscription has ended", arguments: backends)
  func lastSubscription(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    try serve(
      on: kind, configure: { $0.reactor.reactorCount = 1 },
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.subscribe(to: topic)
          topic.publish("published")
          connection.send("1")
          connection.unsubscribe(from: topic)
          connection.withState(as: Tracked.self) { _ in connection.send("3") }
          connection.send("2")
        }
      }
    ) { running in
      let peer = try running.open()
      try peer.send(.text("go"))
      for text in ["published", "1", "2", "3"] { #expect(try peer.readFrame() == .text(text)) }
      peer.reset()
    }
  }

  @Test(
    "is not overtaken either by what is sent while the posts before it arrive", arguments: backends)
  func postedAgain(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    try serve(
      on: kind, configure: { $0.reactor.reactorCount = 1 },
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.subscribe(to: topic)
          topic.publish("published")
          // Its completion comes when it leaves: in the pass in which all of this has arrived.
          connection.send("1") { _ in connection.send("3") }
          connection.unsubscribe(from: topic)
          // It sends in the middle of that arriving, and so to the next pass.
          connection.withState(as: Tracked.self) { _ in connection.send("2") }
        }
      }
    ) { running in
      let peer = try running.open()
      for _ in 0..<10 {
        try peer.send(.text("go"))
        for text in ["published", "1", "2", "3"] { #expect(try peer.readFrame() == .text(text)) }
      }
      peer.reset()
    }
  }

  @Test("is not overtaken by what is sent while room is made for it", arguments: backends)
  func room(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    let target = Locked<Connection?>(nil)
    let isArmed = Locked<Bool>(false)
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.reactorCount = 1
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.queue.overflow = .dropOldest
        $0.reactor.queue.byteCountMax = 100_000
      },
      handle: { on, _ in
        on.received = { sender, message, _ in
          guard let slow = target.withLock({ $0 }) else { return }
          guard message.text == "go" else {
            for _ in 0..<100 {
              // It leaves, or is dropped, to make room.
              slow.send([UInt8](repeating: 0, count: 1000)) { _ in
                let isFirst = isArmed.withLock { armed in
                  defer { armed = false }
                  return armed
                }
                if isFirst { slow.send("second") }
              }
            }
            sender.send("done")
            return
          }
          // So that what comes behind it is posted.
          topic.publish("published")
          isArmed.withLock { $0 = true }
          slow.send("first " + String(repeating: "x", count: 60_000))
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      let sender = try running.open()
      connection.subscribe(to: topic)
      target.withLock { $0 = connection }
      for _ in 0..<4 {
        try sender.send(.text("fill"))
        #expect(try sender.readFrame() == .text("done"))
      }
      try sender.send(.text("go"))
      var texts: [String] = []
      while texts.last != "second" {
        let frame = try peer.readFrame()
        if frame.opcode == 1 { texts.append(String(frame.text.prefix(6))) }
      }
      #expect(texts == ["publis", "first ", "second"])
      peer.reset()
      sender.close()
    }
  }

  @Test("is refused when the connection has ended", arguments: backends)
  func closed(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    let answers = Locked<[SendResult]>([])
    try serve(
      on: kind, configure: { $0.reactor.reactorCount = 1 },
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.subscribe(to: topic)
          topic.publish("published")
          let answer = connection.send("sent")
          answers.withLock { $0.append(answer) }
        }
        on.closed = { connection, _, _ in
          let answer = connection.send("late")
          answers.withLock { $0.append(answer) }
        }
      }
    ) { running in
      let peer = try running.open()
      try peer.send(.text("go"), .close(1000))
      _ = try peer.readToEnd()
    }
    #expect(answers.withLock { $0 } == [.accepted, .closed])
  }

  @Test("is posted as long as it must be only", arguments: backends)
  func direct(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    let other = TopicRegistry().topic("u")
    try serve(
      on: kind, recordsTraffic: false, configure: { $0.reactor.reactorCount = 1 },
      handle: { on, _ in
        on.received = { connection, message, _ in
          switch message.text {
          case "stay": connection.subscribe(to: other)
          case "once":
            connection.subscribe(to: topic)
            topic.publish("published")
            connection.send("sent")
            connection.unsubscribe(from: topic)
          default:
            other.publish("news")
            connection.send("answer")
          }
        }
      }
    ) { running in
      let subscriber = try running.open()
      try subscriber.send(.text("stay"))
      let peer = try running.open()
      try peer.send(.text("once"))
      #expect(try peer.readFrame() == .text("published"))
      #expect(try peer.readFrame() == .text("sent"))
      var before = 0
      for number in 0..<101 {
        try peer.send(.text("ask"))
        #expect(try peer.readFrame() == .text("answer"))
        if number == 0 { before = Int(running.server.statistics[0].postedCount) }
      }
      #expect(eventually { Int(running.server.statistics[0].postedCount) >= before + 100 })
      // One for each message of the topic, and none for the answers.
      #expect(Int(running.server.statistics[0].postedCount) < before + 150)
      subscriber.reset()
      peer.reset()
    }
  }
}
