import Glibc
import Synchronization
import Testing
import WebSocket

@Suite("A full queue")
struct OverflowTests {
  @Test("drops the newest, and tells their senders", arguments: backends)
  func dropNewest(on kind: BackendKind) throws {
    try overflow(on: kind, .dropNewest) { received, dropped, sentCount in
      #expect(dropped.count + received.count == sentCount)
      // The first ones that waited are there, and none that came when it was full.
      #expect(received.first == 0)
      #expect(received == received.sorted())
      #expect(!received.contains(sentCount - 1))
    }
  }

  @Test("drops the oldest, and tells their senders", arguments: backends)
  func dropOldest(on kind: BackendKind) throws {
    try overflow(on: kind, .dropOldest) { received, dropped, sentCount in
      #expect(dropped.count + received.count == sentCount)
      #expect(received == received.sorted())
      #expect(received.last == sentCount - 1)
      // What has been offered to the kernel stays; the rest of the room is the newest's.
      #expect(received.suffix(4) == Array(sentCount - 4..<sentCount)[...])
    }
  }

  @Test("closes with 1013, behind what waits", arguments: backends)
  func close(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.makeQueuesShort(.close) }) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      let message = [UInt8](repeating: 1, count: 10_000)
      #expect(
        eventually {
          connection.send(message)
          usleep(200)
          return !running.journal.closures.isEmpty
        })
      let closure = try running.journal.closure()
      #expect(closure.error == .queueOverflow && !closure.isClean)
      #expect(closure.code == .abnormalClosure)
      #expect(running.journal.errors == [.queueOverflow])
      var last = try peer.readFrame()
      while last.opcode == 2 { last = try peer.readFrame() }
      #expect(last.closeCode == 1013)
      #expect(try peer.readsEnd())
    }
  }

  @Test(
    "closes in the middle of a handler's call without taking its state away", arguments: backends)
  func closeInHandler(on kind: BackendKind) throws {
    let notes = Locked<[String]>([])
    try serve(
      on: kind, configure: { $0.makeQueuesShort(.close) },
      handle: { on, journal in
        on.received = { connection, message, state in
          let before = journal.closures.count
          for _ in 0..<20 { connection.send(message) }
          let after = journal.closures.count
          notes.withLock { $0.append("\(state.note) \(journal.trackedCount) \(after - before)") }
        }
      }
    ) { running in
      let peer = try running.connect(receiveBufferByteCount: 65_536)
      try peer.upgrade(target: "/kept")
      try peer.send(.binary([UInt8](repeating: 1, count: 10_000)))
      #expect(try running.journal.closure().error == .queueOverflow)
      #expect(notes.withLock { $0 } == ["/kept 1 0"])
      #expect(eventually { running.journal.trackedCount == 0 })
    }
  }

  @Test("closes though the peer never reads, within the linger time", arguments: backends)
  func closeNeverReading(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.makeQueuesShort(.close)
        $0.reactor.lingerMilliseconds = 200
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      #expect(
        eventually {
          usleep(200)
          return connection.send([UInt8](repeating: 1, count: 10_000)) == .closed
        })
      #expect(eventually { running.connectionCount == 0 && running.queuedByteCount == 0 })
      peer.close()
    }
  }

  /// Sends numbered messages of 10 KB to a peer that does not read until it is told to. Then `check` is called with the
  /// numbers received, those reported as dropped, and how many were sent.
  private func overflow(
    on kind: BackendKind, _ policy: QueueLimits.Overflow,
    _ check: ([Int], [Int], Int) throws -> Void
  ) throws {
    let dropped = Locked<[Int]>([])
    let isTaken = Atomic<Bool>(false)
    try serve(on: kind, configure: { $0.makeQueuesShort(policy) }) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      for number in 0..<100 {
        var message = [UInt8](repeating: 0, count: 10_000)
        message[0] = UInt8(number)
        connection.send(message) { outcome in
          if outcome == .dropped { dropped.withLock { $0.append(number) } }
        }
        usleep(1000)
      }
      var received: [Int] = []
      // Behind all of them: from here on it is known which were dropped.
      #expect(
        connection.withState(as: Tracked.self) { _ in isTaken.store(true, ordering: .relaxed) })
      #expect(eventually { isTaken.load(ordering: .relaxed) })
      let droppedCount = dropped.withLock { $0.count }
      while received.count < 100 - droppedCount {
        received.append(Int(try peer.readFrame().payload[0]))
      }
      try check(received, dropped.withLock { $0 }, 100)
      #expect(running.journal.errors.isEmpty)
    }
  }
}
