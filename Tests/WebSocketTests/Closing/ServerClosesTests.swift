import Synchronization
import Testing
import WebSocket

@Suite("A server that closes")
struct ServerClosesTests {
  @Test("sends code and reason, and reports those of the answer", arguments: backends)
  func handler(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, message, _ in
          connection.send("bye")
          connection.close(CloseCode(rawValue: 4001), reason: message.text)
        }
      }
    ) { running in
      let peer = try running.open()
      try peer.send(.text("because"))
      #expect(try peer.readFrame() == .text("bye"))
      let close = try peer.readFrame()
      #expect(close.closeCode == 4001 && close.closeReason == "because")
      // What is under way when the close frame comes is still received.
      try peer.send(.text("crossing"), .close(4002, "answer"))
      #expect(try peer.readsEnd())
      let closure = try running.journal.closure()
      #expect(closure.code.rawValue == 4002 && closure.reason == "answer")
      #expect(closure.isClean && closure.error == nil)
      #expect(running.journal.events.contains(.text("crossing")))
    }
  }

  @Test("from another thread does so behind what that thread has sent", arguments: backends)
  func foreignThread(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      for (code, reason) in [(CloseCode.normalClosure, ""), (.policyViolation, "enough")] {
        let (peer, connection) = try running.openWithHandle()
        for number in 0..<100 { #expect(connection.send("\(number)") == .accepted) }
        connection.close(code, reason: reason)
        for number in 0..<100 { #expect(try peer.readFrame() == .text("\(number)")) }
        let close = try peer.readFrame()
        #expect(close.closeCode == code.rawValue && close.closeReason == reason)
        try peer.send(.close(code.rawValue))
        #expect(try peer.readsEnd())
      }
      #expect(running.journal.closures.allSatisfy { $0.isClean })
    }
  }

  @Test("without a code sends an empty close frame", arguments: backends)
  func noCode(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      connection.close(nil, reason: "has no place")
      #expect(try peer.readFrame() == .close())
      try peer.send(.close())
      #expect(try peer.readsEnd())
      #expect(try running.journal.closure().code == .noStatusReceived)
    }
  }

  @Test("cuts a long reason between characters, on any thread", arguments: backends)
  func longReason(on kind: BackendKind) throws {
    let long = String(repeating: "😀", count: 40)
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, _, _ in connection.close(.normalClosure, reason: long) }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      connection.close(.normalClosure, reason: long)
      #expect(try peer.readFrame().closeReason == String(repeating: "😀", count: 30))
      let other = try running.open()
      try other.send(.text("close"))
      #expect(try other.readFrame().closeReason == String(repeating: "😀", count: 30))
    }
  }

  @Test("twice, and from many threads, sends one close frame: the first", arguments: backends)
  func twice(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.close(.goingAway)
          connection.close(.internalError)
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      try peer.send(.text("close"))
      #expect(try peer.readFrame().closeCode == 1001)
      Threads.run(4) { _ in connection.close(.policyViolation) }
      try peer.send(.close(1001))
      #expect(try peer.readsEnd())
      #expect(try running.journal.closure().isClean)
      connection.close()
    }
  }

  @Test("at the same time as its peer ends cleanly, with the peer's code", arguments: backends)
  func bothAtOnce(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, _, _ in connection.close(.goingAway) }
      }
    ) { running in
      let peer = try running.open()
      // In one segment: the server's close frame is queued when the peer's is read.
      try peer.send(.text("close"), .close(3333))
      try peer.expectClose(1001)
      let closure = try running.journal.closure()
      #expect(closure.code.rawValue == 3333 && closure.isClean && closure.error == nil)
    }
  }

  @Test("sends nothing afterwards, and says so", arguments: backends)
  func sendsAfterClose(on kind: BackendKind) throws {
    let results = Locked<[SendResult]>([])
    let outcomes = Locked<[SendOutcome]>([])
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, message, _ in
          connection.close()
          let header = FrameHeader(opcode: .text, payloadLength: 0)
          let all = [
            connection.send("late") { outcome in outcomes.withLock { $0.append(outcome) } },
            connection.send([1]), connection.send(message), connection.ping(), connection.pong(),
            connection.sendFragment(
              RawSpan(), as: .text, isFirst: true, isLast: false, completion: nil),
            connection.sendFrame(header, RawSpan()),
          ]
          results.withLock { $0 = all }
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      try peer.send(.text("close"))
      #expect(try peer.readFrame().closeCode == 1000)
      #expect(results.withLock { $0 } == Array(repeating: .closed, count: 7))
      #expect(outcomes.withLock { $0 } == [.closed])
      // Other threads may hear of it by the completion only, as long as the connection is there.
      let isTold = Atomic<Bool>(false)
      connection.send("late") { isTold.store($0 == .closed, ordering: .relaxed) }
      #expect(eventually { isTold.load(ordering: .relaxed) })
      try peer.send(.close(1000))
      #expect(try peer.readsEnd())
      #expect(eventually { !connection.isOpen })
      #expect(connection.send("later") == .closed)
      #expect(connection.ping() == .closed)
      #expect(connection.queuedByteCount == nil && connection.remoteAddress == nil)
      #expect(connection.localAddress == nil && connection.subprotocol == nil)
      #expect(!connection.withState(as: Tracked.self) { _ in })
    }
  }

  @Test("waits for the answer no longer than the close timeout", arguments: backends)
  func timeout(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.closeTimeoutMilliseconds = 150
        $0.reactor.lingerMilliseconds = 150
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      connection.close()
      #expect(try peer.readFrame().closeCode == 1000)
      let duration = try seconds {
        let isEnd = try peer.readsEnd()
        #expect(isEnd)
      }
      #expect(duration > 0.1 && duration < 1)
      let closure = try running.journal.closure()
      #expect(closure.code == .abnormalClosure && !closure.isClean)
      #expect(closure.error == .closeTimeout)
      #expect(running.journal.errors == [.closeTimeout])
    }
  }

  @Test(
    "in the upgrade's first call ends the connection right after the handshake", arguments: backends
  )
  func inOpened(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, _ in on.opened = { connection, _ in connection.close(.tryAgainLater) } }
    ) { running in
      let peer = try running.open()
      try peer.send(.text("unheard"))
      #expect(try peer.readFrame().closeCode == 1013)
      try peer.send(.close(1013))
      #expect(try peer.readsEnd())
      #expect(try running.journal.closure().isClean)
    }
  }
}
