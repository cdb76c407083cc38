import Glibc
import Testing
import WebSocket

@Suite("A peer that reads slowly")
struct BackpressureTests {
  @Test("is felt by its sender, who is told when it has caught up", arguments: backends)
  func drained(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.makeQueuesShort(.dropNewest) }) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      var results: [SendResult] = []
      let message = [UInt8](repeating: 1, count: 10_000)
      let isFull = eventually {
        results.append(connection.send(message))
        usleep(200)
        return results.last == .dropped
      }
      #expect(isFull)
      #expect(results.first == .accepted && results.contains(.backpressure))
      // One thread's results go one way, but for what leaves meanwhile.
      let queued = try #require(connection.queuedByteCount)
      #expect(queued > 80_000 && queued <= 100_000, "\(queued)")
      #expect(eventually { running.queuedByteCount == queued })

      let acceptedCount = results.count { $0 != .dropped }
      for _ in 0..<acceptedCount { #expect(try peer.readFrame() == .binary(message)) }
      #expect(eventually { connection.queuedByteCount == 0 && running.queuedByteCount == 0 })
      #expect(eventually { running.journal.events.contains(.drained) })
      #expect(connection.send("again") == .accepted)
      #expect(try peer.readFrame() == .text("again"))
    }
  }

  @Test("is felt on the reactor's thread too", arguments: backends)
  func handler(on kind: BackendKind) throws {
    let results = Locked<[SendResult]>([])
    try serve(
      on: kind, configure: { $0.makeQueuesShort(.dropNewest) },
      handle: { on, _ in
        on.received = { connection, message, _ in
          for _ in 0..<200 {
            let result = connection.send(message)
            results.withLock { $0.append(result) }
          }
        }
      }
    ) { running in
      let (peer, _) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      // Short enough to be queued, and not to be given to the kernel at once.
      let message = Frame.binary([UInt8](repeating: 1, count: 5_000))
      try peer.send(message)
      #expect(eventually { results.withLock { $0.count } == 200 })
      // The kernel is offered them when they are too many, and takes some.
      let answers = results.withLock { $0 }
      let expected: [SendResult] =
        Array(repeating: .accepted, count: 9) + Array(repeating: .backpressure, count: 10)
      #expect(answers.prefix(19) == expected[...])
      #expect(answers.last == .dropped)
      for _ in 0..<answers.count(where: { $0 != .dropped }) {
        #expect(try peer.readFrame() == message)
      }
      #expect(eventually { running.journal.events.contains(.drained) })
    }
  }

  @Test("of one large message shows in the queue, and is drained", arguments: backends)
  func largeMessage(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.makeQueuesShort(.dropNewest) }) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      // One send is always taken when nothing waits.
      let message = [UInt8](repeating: 3, count: 4 << 20)
      #expect(connection.send(message) == .backpressure)
      #expect(eventually { (connection.queuedByteCount ?? 0) > 3 << 20 })
      #expect(connection.send("no room") == .dropped)
      #expect(try peer.readFrame() == .binary(message))
      #expect(eventually { running.journal.events.contains(.drained) })
      #expect(connection.queuedByteCount == 0)
    }
  }

  @Test("is announced to be drained whoever was told of it", arguments: backends)
  func everyoneIsTold(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.makeQueuesShort(.dropNewest) }) { running in
      let (peer, connection) = try running.openWithHandle()
      // It fits the kernel, but that is not known on this thread.
      let message = [UInt8](repeating: 3, count: 60_000)
      #expect(connection.send(message) == .backpressure)
      #expect(try peer.readFrame() == .binary(message))
      #expect(eventually { running.journal.events.contains(.drained) })
    }
  }

  @Test("is drained also for whose message comes to nothing on its way", arguments: backends)
  func comesToNothing(on kind: BackendKind) throws {
    let limits: (inout ServerConfiguration) -> Void = {
      $0.reactor.queue = QueueLimits(byteCountMax: 8192, backpressureByteCount: 128)
    }
    try serve(on: kind, configure: limits) { running in
      let (peer, connection) = try running.openWithHandle()
      let bytes = [UInt8](repeating: 2, count: 1000)
      // There is no message that it belongs to, which is known on the reactor's thread only.
      let answer = connection.sendFragment(
        bytes.span.bytes, as: .binary, isFirst: false, isLast: true)
      #expect(answer == .backpressure)
      #expect(eventually { running.journal.events.contains(.drained) })
      peer.close()
    }
  }

  @Test("is drained also for who was refused while little waited", arguments: backends)
  func refusedOnTheWay(on kind: BackendKind) throws {
    let limits: (inout ServerConfiguration) -> Void = {
      $0.reactor.queue = QueueLimits(byteCountMax: 8192, backpressureByteCount: 8192)
    }
    try serve(on: kind, configure: limits) { running in
      let (peer, connection) = try running.openWithHandle()
      let (isBlocked, mayGoOn) = (Flag(), Flag())
      connection.withState(as: Tracked.self) { _ in
        isBlocked.set()
        _ = eventually { mayGoOn.isSet }
      }
      #expect(eventually { isBlocked.isSet })
      // What is on its way stays below the mark of backpressure.
      let message = [UInt8](repeating: 1, count: 500)
      var count = 0
      while connection.send(message) == .accepted { count += 1 }
      #expect(count == 16)
      for _ in 0..<1000 { #expect(connection.send(message) == .dropped) }
      mayGoOn.set()
      for _ in 0..<count { #expect(try peer.readFrame() == .binary(message)) }
      #expect(eventually { running.journal.events.contains(.drained) })
      // Not one job for each of them.
      let postedCount = running.server.statistics.reduce(0) { $0 + Int($1.postedCount) }
      #expect(postedCount < 100, "\(postedCount)")
    }
  }

  @Test("still gets control frames, whatever waits", arguments: backends)
  func controlFrames(on kind: BackendKind) throws {
    let configure: (inout ServerConfiguration) -> Void = {
      $0.makeQueuesShort(.dropNewest)
      $0.fragmentByteCountMax = nil
    }
    try serve(on: kind, configure: configure) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      let message = [UInt8](repeating: 3, count: 1 << 20)
      #expect(connection.send(message) != .dropped)
      #expect(eventually { connection.send("no room") == .dropped })
      #expect(connection.ping("1".utf8.span.bytes) == .accepted)
      #expect(connection.pong("2".utf8.span.bytes) == .accepted)
      // Only what the reactor has taken in stands before what comes from the peer.
      #expect(eventually { running.server.statistics.map(\.postedCount).reduce(0, +) >= 3 })
      try peer.send(.ping("3"))
      #expect(eventually { running.journal.events.contains(.ping("3")) })
      connection.close(.goingAway)
      try peer.expect(.binary(message))
      var frame = try peer.readFrame()
      while frame == .text("no room") { frame = try peer.readFrame() }
      // Of one thread in its order; between threads there is none.
      var control = [frame]
      while control.count < 4 { control.append(try peer.readFrame()) }
      #expect(control.filter { $0 != .pong("3") } == [.ping("1"), .pong("2"), .close(1001)])
      #expect(control.contains(.pong("3")))
    }
  }

  @Test(
    "gives its memory back when it has caught up", .enabled(if: ProcessState.tellsMemory),
    arguments: backends)
  func memory(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.reactor.queue.byteCountMax = 256 << 20 }) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      let before = ProcessState.trimmedByteCount()
      let message = [UInt8](repeating: 3, count: 1 << 20)
      for _ in 0..<128 { #expect(connection.send(message) != .dropped) }
      #expect(ProcessState.residentByteCount() > before + (64 << 20))
      for _ in 0..<128 { #expect(try peer.readFrame().payload.count == 1 << 20) }
      #expect(eventually { ProcessState.residentByteCount() < before + (64 << 20) })
    }
  }
}

extension ServerConfiguration {
  /// Little room for what waits, here and in the kernel: 100,000 bytes at most, backpressure from 50,000.
  mutating func makeQueuesShort(_ overflow: QueueLimits.Overflow) {
    reactor.queue = QueueLimits(
      byteCountMax: 100_000, backpressureByteCount: 50_000, overflow: overflow)
    listener.sendBufferByteCount = 16 << 10
  }
}
