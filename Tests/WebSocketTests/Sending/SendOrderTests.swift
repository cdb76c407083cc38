import Synchronization
import Testing
import WebSocket

@Suite("What is sent")
struct SendOrderTests {
  @Test("by several threads arrives whole, in the order of each", arguments: backends)
  func producers(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.reactor.queue.byteCountMax = 64 << 20 }) { running in
      let (peer, connection) = try running.openWithHandle()
      let lossCount = Atomic<Int>(0)
      Threads.run(4) { producer in
        for number in 0..<2000 {
          let result = connection.send("\(producer) \(number)")
          if result != .accepted && result != .backpressure {
            lossCount.add(1, ordering: .relaxed)
          }
        }
      }
      #expect(lossCount.load(ordering: .relaxed) == 0)
      var next = [0, 0, 0, 0]
      for _ in 0..<8000 {
        let parts = try peer.readFrame().text.split(separator: " ").compactMap { Int($0) }
        try #require(parts.count == 2)
        #expect(next[parts[0]] == parts[1])
        next[parts[0]] += 1
      }
      #expect(next == [2000, 2000, 2000, 2000])
      #expect(eventually { connection.queuedByteCount == 0 })
    }
  }

  @Test("by a handler arrives in its order, to whatever connection", arguments: backends)
  func handler(on kind: BackendKind) throws {
    let others = Locked<[Connection]>([])
    try serve(
      on: kind,
      handle: { on, _ in
        on.opened = { connection, _ in others.withLock { $0.append(connection) } }
        on.received = { _, _, _ in
          for number in 0..<500 {
            for other in others.withLock({ $0 }) { other.send("\(number)") }
          }
        }
      }
    ) { running in
      // On both reactors.
      let peers = try (0..<8).map { _ in try running.open() }
      try peers[0].send(.text("go"))
      for peer in peers {
        for number in 0..<500 { #expect(try peer.readFrame() == .text("\(number)")) }
      }
    }
  }

  @Test("says when it is in the kernel, in its order, on the reactor's thread", arguments: backends)
  func completions(on kind: BackendKind) throws {
    let outcomes = Locked<[Int]>([])
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      for number in 0..<100 {
        connection.send("\(number)") { outcome in
          outcomes.withLock { $0.append(outcome == .sent ? number : -1) }
        }
      }
      for number in 0..<100 { #expect(try peer.readFrame() == .text("\(number)")) }
      #expect(eventually { outcomes.withLock { $0.count } == 100 })
      #expect(outcomes.withLock { $0 } == Array(0..<100))
    }
  }

  @Test(
    "and is not in the kernel when the connection ends is reported as lost", arguments: backends)
  func lostCompletions(on kind: BackendKind) throws {
    let sentCount = Atomic<Int>(0)
    let closedCount = Atomic<Int>(0)
    try serve(on: kind, configure: { $0.reactor.queue.byteCountMax = 64 << 20 }) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      for _ in 0..<20 {
        connection.send([UInt8](repeating: 1, count: 1 << 20)) { outcome in
          if outcome == .sent {
            sentCount.add(1, ordering: .relaxed)
          } else {
            closedCount.add(1, ordering: .relaxed)
          }
        }
      }
      #expect(eventually { (connection.queuedByteCount ?? 0) > 1 << 20 })
      peer.reset()
      let count = { sentCount.load(ordering: .relaxed) + closedCount.load(ordering: .relaxed) }
      #expect(eventually { count() == 20 })
      #expect(closedCount.load(ordering: .relaxed) > 0)
    }
  }

  @Test("from a completion is sent too", arguments: backends)
  func chained(on kind: BackendKind) throws {
    @Sendable func sendNext(_ number: Int, on connection: Connection) {
      guard number < 300 else { return }
      connection.send("\(number)") { outcome in
        if outcome == .sent { sendNext(number + 1, on: connection) }
      }
    }
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      sendNext(0, on: connection)
      for number in 0..<300 { #expect(try peer.readFrame() == .text("\(number)")) }
    }
  }

  @Test("in fragments has no other message in between, only control frames", arguments: backends)
  func fragments(on kind: BackendKind) throws {
    let results = Locked<[SendResult]>([])
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, _, _ in
          let bytes = Array("part".utf8)
          let all = [
            connection.sendFragment(bytes.span.bytes, as: .text, isFirst: false, isLast: true),
            connection.sendFragment(bytes.span.bytes, as: .text, isFirst: true, isLast: false),
            connection.send("between"),
            connection.sendFragment(bytes.span.bytes, as: .text, isFirst: true, isLast: false),
            connection.ping(),
            connection.sendFragment(bytes.span.bytes, as: .text, isFirst: false, isLast: false),
            connection.sendFragment(bytes.span.bytes, as: .text, isFirst: false, isLast: true),
            connection.send("after"),
          ]
          results.withLock { $0 = all }
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      let part = Array("part".utf8)
      try peer.send(.text("go"))
      let expected: [Frame] = [
        .text("part", isFinal: false), .ping(), .continuation(part, isFinal: false),
        .continuation(part, isFinal: true), .text("after"),
      ]
      for frame in expected { #expect(try peer.readFrame() == frame) }
      #expect(
        results.withLock { $0 } == [
          .closed, .accepted, .closed, .closed, .accepted, .accepted, .accepted, .accepted,
        ])
      // The same from this thread, where only the completion can tell.
      let isRefused = Atomic<Bool>(false)
      connection.sendFragment(part.span.bytes, as: .binary, isFirst: true, isLast: false)
      connection.send("between") { isRefused.store($0 == .closed, ordering: .relaxed) }
      connection.sendFragment(part.span.bytes, as: .binary, isFirst: false, isLast: true)
      #expect(try peer.readFrame() == .binary(part, isFinal: false))
      #expect(try peer.readFrame() == .continuation(part, isFinal: true))
      #expect(eventually { isRefused.load(ordering: .relaxed) })
    }
  }
}
