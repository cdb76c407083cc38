import Glibc
import Synchronization
import Testing
import WebSocket

@Suite("What one thread sends and publishes")
struct TopicOrderTests {
  @Test("arrives in its order", arguments: backends)
  func foreignThread(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("t")
      let second = running.server.topic("u")
      let peers = try (0..<4).map { _ in try running.open() }
      #expect(eventually { running.journal.connections.count == 4 })
      let connections = running.journal.connections
      for connection in connections {
        connection.subscribe(to: topic)
        connection.subscribe(to: second)
      }
      let prepared = PreparedMessage([UInt8](repeating: 7, count: 3000))
      // Others publish as well: that must not carry this thread's messages away before their time.
      let isDone = Flag()
      let noise = Threads.start {
        while !isDone.isSet { topic.publish("noise") }
      }
      for number in 0..<2000 {
        topic.publish("\(3 * number)")
        connections[number % 4].send("\(3 * number + 1)")
        if number % 50 == 0 { connections[number % 4].send(prepared) }
        second.publish("\(3 * number + 2)")
      }
      isDone.set()
      pthread_join(noise, nil)
      topic.publish("end")
      second.publish("end")
      for peer in peers {
        // Between two topics there is no order; between each of them and direct sends there is.
        var last = [-1, -1, -1]
        var endCount = 0
        while endCount < 2 {
          let text = try peer.readFrame().text
          if text == "end" { endCount += 1 }
          guard let number = Int(text) else { continue }
          let source = number % 3
          #expect(number > last[source] && (source == 2 || number > last[1 - source]))
          #expect(source == 0 || number > last[3 - source])
          last[source] = number
        }
        #expect(last[0] == 5997 && last[2] == 5999)
      }
    }
  }

  @Test("arrives in its order if it is a handler's", arguments: backends)
  func handler(on kind: BackendKind) throws {
    let registry = TopicRegistry()
    let topic = registry.topic("t")
    let others = Locked<[Connection]>([])
    try serve(
      on: kind,
      handle: { on, _ in
        on.opened = { connection, _ in
          connection.subscribe(to: topic)
          others.withLock { $0.append(connection) }
        }
        on.received = { connection, _, _ in
          for number in 0..<200 {
            topic.publish("\(2 * number)")
            for other in others.withLock({ $0 }) { other.send("\(2 * number + 1)") }
          }
          connection.close()
        }
      }
    ) { running in
      let peers = try (0..<5).map { _ in try running.open() }
      #expect(eventually { topic.subscriberCount == 5 })
      try peers[0].send(.text("go"))
      for peer in peers {
        for number in 0..<400 { #expect(try peer.readFrame() == .text("\(number)")) }
      }
      #expect(try peers[0].readFrame() == .close(1000))
      try peers[0].send(.close(1000))
      #expect(try peers[0].readsEnd())
    }
  }

  @Test("begins with what it publishes after it has subscribed", arguments: backends)
  func subscribing(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("t")
      let (peer, connection) = try running.openWithHandle()
      for number in 0..<500 {
        topic.publish("never")
        connection.subscribe(to: topic)
        topic.publish("\(number)")
        connection.unsubscribe(from: topic)
        topic.publish("never")
      }
      connection.send("end")
      for number in 0..<500 { #expect(try peer.readFrame() == .text("\(number)")) }
      #expect(try peer.readFrame() == .text("end"))
    }
  }

  @Test("begins and ends in its order if it is a handler's", arguments: backends)
  func subscribingInHandler(on kind: BackendKind) throws {
    let topic = TopicRegistry().topic("t")
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, _, _ in
          for number in 0..<100 {
            topic.publish("never")
            connection.subscribe(to: topic)
            topic.publish("\(2 * number)")
            connection.unsubscribe(from: topic)
            topic.publish("never")
            connection.send("\(2 * number + 1)")
          }
        }
      }
    ) { running in
      let peer = try running.open()
      for _ in 0..<5 {
        try peer.send(.text("go"))
        for number in 0..<200 { #expect(try peer.readFrame() == .text("\(number)")) }
      }
      #expect(eventually { topic.subscriberCount == 0 })
    }
  }

  @Test("never comes between the fragments of a message", arguments: backends)
  func fragments(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("t")
      let (peer, connection) = try running.openWithHandle()
      connection.subscribe(to: topic)
      for number in 0..<100 {
        topic.publish("before \(number)")
        let bytes = "part".utf8.span.bytes
        connection.sendFragment(bytes, as: .text, isFirst: true, isLast: false)
        topic.publish("between \(number)")
        connection.sendFragment(bytes, as: .text, isFirst: false, isLast: false)
        connection.sendFragment(bytes, as: .text, isFirst: false, isLast: true)
      }
      topic.publish("end")
      var texts: [String] = []
      while texts.last != "end" {
        let frame = try peer.readFrame()
        texts.append(frame.text)
        guard !frame.isFinal else { continue }
        #expect(try peer.readFrame() == .continuation(Array("part".utf8), isFinal: false))
        #expect(try peer.readFrame() == .continuation(Array("part".utf8), isFinal: true))
      }
      #expect(texts.count == 301)
    }
  }
}
