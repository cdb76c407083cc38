import Glibc
import Testing
import WebSocket

extension SendRaceTests {
  @Test("of closes send one close frame to each peer", arguments: backends)
  func closes(on kind: BackendKind) throws {
    try serve(on: kind, recordsTraffic: false) { running in
      let peers = try (0..<60).map { _ in try running.open() }
      #expect(eventually { running.journal.connections.count == 60 })
      let connections = running.journal.connections
      Threads.run(RaceSize.producerCount) { number in
        for connection in connections {
          connection.send("\(number)")
          connection.close(CloseCode(rawValue: UInt16(4000 + number)))
          connection.close(.goingAway)
        }
      }
      for peer in peers {
        var frame = try peer.readFrame()
        while frame.opcode == 1 { frame = try peer.readFrame() }
        let code = try #require(frame.closeCode)
        #expect((4000..<4008).contains(code))
        try peer.send(.close(code))
        #expect(try peer.readsEnd())
        peer.close()
      }
      #expect(eventually { running.journal.closures.count == 60 })
      #expect(running.journal.closures.allSatisfy { $0.isClean })
    }
  }

  @Test(
    "of sends with the end of the server answer each send, and cut no frame", arguments: backends)
  func stop(on kind: BackendKind) throws {
    let tally = Tally()
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.queue.byteCountMax = 64 << 20
        // The peers are read one after the other, slowly with a sanitizer.
        $0.closeTimeoutMilliseconds = 30_000
        $0.reactor.stopMilliseconds = 30_000
      }
    ) { running in
      let peers = try (0..<20).map { _ in try running.open() }
      #expect(eventually { running.journal.connections.count == 20 })
      let connections = running.journal.connections
      let isDone = Flag()
      let producers = Threads.start {
        Threads.run(4) { producer in
          var next = [Int](repeating: 0, count: connections.count)
          while !isDone.isSet {
            for (position, connection) in connections.enumerated() {
              let text = "c\(position) \(producer) \(next[position])"
              next[position] += 1
              connection.send(text, completion: tally.completion())
            }
            usleep(200)
          }
        }
      }
      // In the middle of it, however long a busy machine takes to come there.
      #expect(eventually { tally.sentCount > 0 })
      usleep(20_000)
      running.server.stop()
      for peer in peers {
        // In the order of the server's connections or not: all of one peer's messages have one name.
        var sequence: Sequence?
        var frame = try peer.readFrame()
        while frame.opcode == 1 {
          let name = String(frame.text.prefix { $0 != " " })
          sequence = sequence ?? Sequence(name: name)
          sequence?.receive(frame.text)
          frame = try peer.readFrame()
        }
        #expect(sequence?.fault == nil)
        #expect(frame.closeCode == 1001)
        try peer.send(.close(1001))
        #expect(try peer.readsEnd())
        peer.close()
      }
      running.server.wait()
      #expect(eventually { tally.lostCount > 0 })
      usleep(10_000)
      isDone.set()
      pthread_join(producers, nil)
      #expect(tally.isSettled, "\(tally.askedCount) asked")
      #expect(connections.allSatisfy { $0.send("late") == .closed })
    }
  }

  @Test(
    "of old handles with new connections in their slots reach none of these", arguments: backends)
  func staleHandles(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.reactor.reactorCount = 2
        $0.reactor.connectionCountMax = 16
      },
      handle: { on, _ in on.received = { connection, message, _ in connection.send(message) } }
    ) { running in
      let isDone = Flag()
      let journal = running.journal
      let misuse = Threads.start {
        Threads.run(3) { _ in
          while !isDone.isSet {
            for entry in journal.entries where entry.event.isClosed {
              entry.connection.send("not yours")
              entry.connection.ping()
              entry.connection.close(.internalError)
              entry.connection.withState(as: Tracked.self) { _ in
                Issue.record("the state of another connection")
              }
            }
          }
        }
      }
      for round in 0..<150 {
        let peer = try running.open()
        try peer.expectEcho("\(round)")
        if round % 2 == 0 { peer.reset() } else { try peer.closeOrderly() }
      }
      isDone.set()
      pthread_join(misuse, nil)
    }
  }
}

extension Journal.Event {
  fileprivate var isClosed: Bool {
    if case .closed = self { true } else { false }
  }
}
