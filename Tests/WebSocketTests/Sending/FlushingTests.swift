import Glibc
import Testing
import WebSocket

@Suite("A queue that seems full is flushed before anybody is refused")
struct FlushingTests {
  @Test(
    "the response to the handshake counts for nothing: a first message may be of any length",
    arguments: backends)
  func inOpened(on kind: BackendKind) throws {
    let results = Locked<[SendResult]>([])
    let message = Bytes.pattern(2 << 20, seed: 1)
    try serve(
      on: kind,
      handle: { on, _ in
        on.opened = { connection, _ in
          let result = connection.send(message)
          results.withLock { $0.append(result) }
        }
      }
    ) { running in
      let peer = try running.open()
      #expect(try peer.readFrame() == .binary(message))
      #expect(results.withLock { $0 } != [.closed])
      #expect(running.journal.errors.isEmpty)
    }
  }

  @Test(
    "messages that the kernel takes are taken, however many bytes they are together",
    arguments: backends, [false, true])
  func inOneCall(on kind: BackendKind, isDirect: Bool) throws {
    if isDirect, kind == .epoll { return }
    let results = Locked<[SendResult]>([])
    let message = Bytes.pattern(700_000, seed: 2)
    try serve(
      on: kind,
      configure: { $0.reactor.usesDirectDescriptors = isDirect },
      handle: { on, _ in
        on.received = { connection, text, _ in
          for _ in 0..<(Int(text.text) ?? 0) {
            let result = connection.send(message)
            results.withLock { $0.append(result) }
          }
        }
      }
    ) { running in
      let peer = try running.open()
      for count in [2, 3] {
        try peer.send(.text("\(count)"))
        for _ in 0..<count { #expect(try peer.readFrame() == .binary(message)) }
      }
      #expect(results.withLock { $0.count } == 5)
      #expect(running.journal.errors.isEmpty)
    }
  }

  @Test(
    "what another thread has posted is judged when the kernel has been offered what waits",
    arguments: backends)
  func posted(on kind: BackendKind) throws {
    let message = Bytes.pattern(700_000, seed: 3)
    let (isHeld, mayGoOn) = (Flag(), Flag())
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      let outcomes = Locked<[SendOutcome]>([])
      connection.withState(as: Tracked.self) { _ in
        isHeld.set()
        _ = eventually { mayGoOn.isSet }
        // Behind what this queues itself.
        connection.send(message)
      }
      #expect(eventually { isHeld.isSet })
      let result = connection.send(message) { outcome in outcomes.withLock { $0.append(outcome) } }
      #expect(result == .backpressure)
      mayGoOn.set()
      for _ in 0..<2 { #expect(try peer.readFrame() == .binary(message)) }
      #expect(eventually { outcomes.withLock { $0 } == [.sent] })
      #expect(running.journal.errors.isEmpty)
    }
  }

  @Test(
    "a policy drops only what the kernel has no room for", arguments: backends,
    [QueueLimits.Overflow.dropNewest, .dropOldest])
  func policies(on kind: BackendKind, overflow: QueueLimits.Overflow) throws {
    let outcomes = Locked<[SendOutcome]>([])
    let message = Bytes.pattern(30_000, seed: 4)
    try serve(
      on: kind,
      configure: { $0.reactor.queue = QueueLimits(byteCountMax: 100_000, overflow: overflow) },
      handle: { on, _ in
        on.received = { connection, _, _ in
          for _ in 1...10 {
            connection.send(message) { outcome in outcomes.withLock { $0.append(outcome) } }
          }
        }
      }
    ) { running in
      let peer = try running.open()
      try peer.send(.text("go"))
      for _ in 0..<10 { #expect(try peer.readFrame() == .binary(message)) }
      #expect(eventually { outcomes.withLock { $0 } == Array(repeating: .sent, count: 10) })
    }
  }

  @Test(
    "a completion that sends, closes or begins a fragmented message is heeded", arguments: backends)
  func completions(on kind: BackendKind) throws {
    let results = Locked<[SendResult]>([])
    let message = Bytes.pattern(700_000, seed: 5)
    try serve(
      on: kind,
      handle: { on, _ in
        on.received = { connection, text, _ in
          let order = text.text
          connection.send(message) { _ in
            switch order {
            case "send": connection.send("from a completion")
            case "close": connection.close(.goingAway)
            default:
              connection.sendFragment("a".utf8.span.bytes, as: .text, isFirst: true, isLast: false)
            }
          }
          let result = connection.send(message)
          results.withLock { $0.append(result) }
        }
      }
    ) { running in
      for order in ["send", "close", "fragment"] {
        let peer = try running.open()
        try peer.send(.text(order))
        #expect(try peer.readFrame() == .binary(message))
        switch order {
        case "send":
          // On a connection that its flush has found empty, the completion comes first.
          #expect(try peer.readFrame() == .text("from a completion"))
          #expect(try peer.readFrame() == .binary(message))
        case "close": #expect(try peer.readFrame().closeCode == 1001)
        default: #expect(try peer.readFrame() == .text("a", isFinal: false))
        }
      }
      let answers = results.withLock { $0 }
      #expect(answers.count == 3 && answers[0] != .closed && answers[1...] == [.closed, .closed])
    }
  }

  @Test("a peer that reads nothing is closed at the limit", arguments: backends)
  func neverReading(on kind: BackendKind) throws {
    let sentCount = Locked(0)
    try serve(
      on: kind,
      configure: {
        $0.makeQueuesShort(.close)
        $0.reactor.lingerMilliseconds = 300
      },
      handle: { on, _ in
        on.received = { connection, message, _ in
          for _ in 0..<1000 where connection.send(message) != .closed {
            sentCount.withLock { $0 += 1 }
          }
        }
      }
    ) { running in
      let peer = try running.open(receiveBufferByteCount: 65_536)
      try peer.send(.binary([UInt8](repeating: 1, count: 10_000)))
      #expect(try running.journal.closure().error == .queueOverflow)
      // What waits here, and what the kernel takes for both ends.
      #expect(sentCount.withLock { $0 } < 100)
      var last = try peer.readFrame()
      while last.opcode == 2 { last = try peer.readFrame() }
      #expect(last.closeCode == 1013)
    }
  }
}
