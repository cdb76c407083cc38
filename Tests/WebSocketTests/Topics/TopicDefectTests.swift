import Glibc
import Synchronization
import Testing
import WebSocket

@Suite("Topics, where they went wrong")
struct TopicDefectTests {
  @Test("are not looked up in vain while others of the same name come and go")
  func registry() {
    let registry = TopicRegistry()
    let doneCount = Locked<Int>(0)
    let threads = (0..<4).map { _ in
      Threads.start {
        for _ in 0..<20_000 { registry.topic("x").publish("nobody hears it") }
        doneCount.withLock { $0 += 1 }
      }
    }
    guard eventually({ doneCount.withLock { $0 } == 4 }) else {
      Issue.record("a thread waits for a lock that it holds")
      return
    }
    for thread in threads { pthread_join(thread, nil) }
    #expect(registry.count == 0)
  }

  @Test("are subscribed to anew while the last subscriber leaves", arguments: backends)
  func handover(on kind: BackendKind) throws {
    try serve(on: kind, recordsTraffic: false, configure: { $0.reactor.reactorCount = 1 }) {
      running in
      let topic = TopicRegistry().topic("t")
      nonisolated(unsafe) let pairs = try (0..<2).map { _ in try running.openWithHandle() }
      let wrong = Locked<[String]>([])
      Threads.run(2) { index in
        let (peer, connection) = pairs[index]
        for number in 0..<5000 {
          connection.subscribe(to: topic)
          topic.publish("\(index) \(number)")
          connection.unsubscribe(from: topic)
          // Until it has left, so that the topic often has nobody.
          var text = ""
          while text != "\(index) \(number)" {
            text = (try? peer.readFrame().text) ?? "nothing"
            guard
              text.hasPrefix("\(index) ")
                ? text == "\(index) \(number)" : text.hasPrefix("\(1 - index) ")
            else { return wrong.withLock { $0.append("\(text) for \(number)") } }
          }
        }
      }
      #expect(wrong.withLock { $0 } == [])
      for pair in pairs { pair.0.close() }
    }
  }

  @Test("do not keep everything for who has resumed and never reads", arguments: backends)
  func stalledReplay(on kind: BackendKind) throws {
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.lingerMilliseconds = 1
      }
    ) { running in
      let topic = running.server.topic(
        "t",
        options: TopicOptions(historyByteCount: 256 << 10, lag: .close(beyondByteCount: 1 << 20)))
      for _ in 0..<200 { topic.publish([UInt8](repeating: 1, count: 1000)) }
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      connection.subscribe(to: topic, from: TopicPosition(ordinal: 0))
      for number in 0..<6000 {
        topic.publish([UInt8](repeating: 1, count: 1000))
        if number % 100 == 0 { usleep(500) }
      }
      #expect(eventually { topic.statistics.closedCount == 1 })
      peer.reset()
    }
  }

  @Test("that exclude a stalled subscriber stay as fast for the others", arguments: backends)
  func exclusionsOfStalled(on kind: BackendKind) throws {
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.reactorCount = 1
      }
    ) { running in
      let topic = running.server.topic("t")
      let (slow, stalled) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      let pairs = try (0..<4).map { _ in try running.openWithHandle() }
      stalled.subscribe(to: topic, lag: .skipOldest(beyondByteCount: 64 << 20))
      for pair in pairs { pair.1.subscribe(to: topic, lag: .close(beyondByteCount: 64 << 20)) }
      for _ in 0..<400 { topic.publish([UInt8](repeating: 1, count: 1000)) }
      let duration = try seconds {
        for number in 0..<8000 {
          topic.publish("\(number)", excluding: stalled)
          if number % 50 == 49 { usleep(100) }
        }
        for pair in pairs {
          for _ in 0..<400 {
            let frame = try pair.0.readFrame()
            #expect(frame.payload.count == 1000)
          }
          for number in 0..<8000 {
            let frame = try pair.0.readFrame()
            #expect(frame == .text("\(number)"))
          }
        }
      }
      #expect(duration < 6)
      topic.publish("end")
      for _ in 0..<400 { #expect(try slow.readFrame().payload.count == 1000) }
      #expect(try slow.readFrame() == .text("end"))
    }
  }

  @Test(
    "replayed to who is subscribed in another's completion are sent at once", arguments: backends)
  func subscribingInCompletion(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t", options: TopicOptions(historyByteCount: 10_000))
    topic.publish("old")
    try serve(on: kind, configure: { $0.reactor.reactorCount = 1 }) { running in
      var slowCount = 0
      for _ in 0..<4 {
        let (peer, connection) = try running.openWithHandle()
        let (other, second) = try running.openWithHandle()
        usleep(20_000)
        connection.send("first") { _ in
          second.subscribe(to: topic, from: TopicPosition(ordinal: 0))
        }
        #expect(try peer.readFrame() == .text("first"))
        let duration = try seconds {
          let frame = try other.readFrame()
          #expect(frame == .text("old"))
        }
        if duration > 0.1 { slowCount += 1 }
        peer.close()
        other.close()
      }
      #expect(slowCount <= 1, "the reactor slept \(slowCount) times out of 4")
    }
  }

  @Test("keep their order to others that are sent to when one has lagged", arguments: backends)
  func sendingWhenAnotherHasLagged(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    let target = Locked<Connection?>(nil)
    let count = Locked<Int>(0)
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.reactorCount = 1
        $0.reactor.queue.byteCountMax = 64 << 20
      },
      handle: { on, _ in
        on.received = { connection, message, _ in
          let number = count.withLock { value -> Int in
            value += 1
            return value
          }
          topic.publish("\(number) " + String(repeating: "x", count: 1000))
        }
        on.lagged = { _, _, _ in
          target.withLock { $0 }?.send("direct \(count.withLock { $0 })")
        }
      }
    ) { running in
      let (slow, lagging) = try running.openWithHandle(receiveBufferByteCount: 16 << 10)
      let (fast, other) = try running.openWithHandle()
      let sender = try running.open()
      target.withLock { $0 = other }
      lagging.subscribe(to: topic, lag: .skipOldest(beyondByteCount: 10_000))
      other.subscribe(to: topic, lag: .close(beyondByteCount: 64 << 20))
      let isDone = Flag()
      nonisolated(unsafe) let (unreading, flooding) = (slow, sender)
      let reader = Threads.start {
        unreading.setTimeout(seconds: 1)
        while !isDone.isSet { _ = try? unreading.readFrame() }
      }
      let flood = Threads.start {
        for _ in 0..<300 {
          try? flooding.send((0..<10).flatMap { _ in Frame.text("go").bytes() })
        }
      }
      var last = 0
      while last < 3000 {
        let parts = try fast.readFrame().text.split(separator: " ")
        if parts[0] == "direct" {
          #expect(Int(parts[1]) ?? 0 <= last)
        } else {
          last = Int(parts[0]) ?? 0
        }
      }
      isDone.set()
      pthread_join(flood, nil)
      pthread_join(reader, nil)
    }
  }

  @Test("are left and entered again in a handler's order", arguments: backends)
  func leavingAndEntering(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    try serve(
      on: kind,
      handle: { on, _ in
        on.opened = { connection, _ in connection.subscribe(to: topic) }
        on.received = { connection, message, _ in
          topic.publish("before")
          connection.unsubscribe(from: topic)
          topic.publish("never")
          connection.subscribe(to: topic)
          topic.publish("after")
          connection.send("direct")
        }
      }
    ) { running in
      let peer = try running.open()
      for _ in 0..<20 {
        try peer.send(.text("go"))
        for text in ["before", "after", "direct"] {
          #expect(try peer.readFrame() == .text(text))
        }
      }
      #expect(topic.subscriberCount == 1)
    }
  }

  @Test("with a history of less than nothing have none", arguments: backends)
  func negativeHistory(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("t", options: TopicOptions(historyByteCount: -1))
      let (peer, connection) = try running.openWithHandle()
      for number in 0..<100 {
        topic.publish("never")
        connection.subscribe(to: topic)
        topic.publish("\(number)")
        connection.unsubscribe(from: topic)
        #expect(eventually { topic.subscriberCount == 0 })
      }
      for number in 0..<100 { #expect(try peer.readFrame() == .text("\(number)")) }
    }
  }

  @Test("are not subscribed to by who has been sent a close frame", arguments: backends)
  func closing(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("t")
      let (peer, connection) = try running.openWithHandle()
      let (other, second) = try running.openWithHandle()
      second.subscribe(to: topic)
      connection.close()
      connection.subscribe(to: topic)
      #expect(eventually { topic.subscriberCount == 1 })
      // One that the application has written itself is one, too.
      let header = FrameHeader(opcode: .close, payloadLength: 0)
      second.sendFrame(header, RawSpan())
      topic.publish("never")
      second.subscribe(to: topic)
      second.ping()
      #expect(try other.readFrame().opcode == 8)
      #expect(try other.readFrame().opcode == 9)
      #expect(eventually { topic.subscriberCount == 0 })
      #expect(try peer.readFrame() == .close(1000))
      peer.close()
      other.close()
    }
  }

  @Test("exclude nobody in the place of one whose server has stopped", arguments: backends)
  func excludingTheGone(on kind: BackendKind) throws {
    var gone: [Connection] = []
    for _ in 0..<2 {
      try serve(on: kind) { running in
        let (peer, connection) = try running.openWithHandle()
        peer.close()
        gone.append(connection)
      }
    }
    try serve(on: kind, configure: { $0.reactor.reactorCount = 1 }) { running in
      let topic = running.server.topic("t")
      let (peer, connection) = try running.openWithHandle()
      connection.subscribe(to: topic)
      for other in gone { topic.publish("all", excluding: other) }
      topic.publish("end")
      for _ in gone { #expect(try peer.readFrame() == .text("all")) }
      #expect(try peer.readFrame() == .text("end"))
    }
  }

  @Test(
    "have nobody miss what was not for one in its place before the server began anew",
    arguments: backends)
  func excludingBeforeAnewStart(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t", options: TopicOptions(historyByteCount: 10_000))
    for round in 0..<3 {
      try serve(on: kind, configure: { $0.reactor.reactorCount = 1 }) { running in
        let (peer, connection) = try running.openWithHandle()
        connection.subscribe(to: topic, from: TopicPosition(ordinal: 0))
        for number in 0..<round { #expect(try peer.readFrame() == .text("\(number)")) }
        topic.publish("\(round)", excluding: connection)
        peer.close()
      }
    }
  }

  @Test("that are kept go with their registry")
  func registryGoes() {
    var registry: TopicRegistry? = TopicRegistry()
    weak let topic = registry?.topic("kept", options: TopicOptions(isKept: true))
    #expect(topic != nil)
    registry = nil
    #expect(topic == nil)
  }
}
