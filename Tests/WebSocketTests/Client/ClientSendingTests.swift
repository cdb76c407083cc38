import Glibc
import Testing
import WebSocket

@Suite("What a client sends")
struct ClientSendingTests {
  @Test("is masked, each frame with a key of its own that nobody can guess", arguments: backends)
  func keys(on kind: BackendKind) throws {
    try dialing(
      on: kind,
      configure: { $0.reactor.queue.byteCountMax = 64 << 20 },
      handle: { on, _ in
        on.received = { connection, _, _ in
          for _ in 0..<1000 { connection.send("same") }
        }
      }
    ) { running in
      let server = try ScriptedServer()
      let (connection, peer) = try running.open(server)
      let prepared = PreparedMessage("same")
      for _ in 0..<1000 {
        connection.send("same")
        connection.send(prepared)
      }
      try peer.sendUnmasked(.text("go"))
      let keys = try (0..<3000).map { _ in
        let (frame, key) = try peer.readMaskedFrame()
        #expect(frame == .text("same"))
        return key
      }
      // Two of 3,000 random keys are the same with a probability of one in a thousand; two pairs, of one in a million.
      #expect(Set(keys).count >= 2999)
      for place in 0..<4 {
        var counts = [Int](repeating: 0, count: 256)
        for key in keys { counts[Int(key[place])] += 1 }
        // Expected are 11.7 of each, with a standard deviation of 3.4.
        #expect(counts.allSatisfy { $0 < 45 } && counts.count { $0 == 0 } <= 4)
      }
      #expect(keys.count { $0.contains(0) } < 200)
      peer.close()
    }
  }

  @Test(
    "from other threads comes whole, in order and as it was, whatever it is", arguments: backends)
  func order(on kind: BackendKind) throws {
    let configure: (inout ClientConfiguration) -> Void = {
      $0.reactor.queue.byteCountMax = 64 << 20
      $0.fragmentByteCountMax = nil
    }
    try dialing(on: kind, configure: configure) { running in
      let server = try ScriptedServer()
      let (connection, peer) = try running.open(server)
      let tally = Tally()
      let lengths = [0, 1, 125, 126, 1019, 1024, 1025, 65_535, 65_536, 300_000]
      let sender = Threads.start {
        for (number, length) in lengths.enumerated() {
          let bytes = Bytes.pattern(length, seed: UInt64(number))
          connection.send(bytes)
          connection.send(bytes, completion: tally.completion())
          connection.send(PreparedMessage(bytes))
          connection.send(PreparedMessage(bytes), completion: tally.completion())
          connection.ping("p\(number)".utf8Span.span.bytes)
          connection.sendFragment(bytes.span.bytes, as: .text, isFirst: true, isLast: false)
          connection.pong("q\(number)".utf8Span.span.bytes)
          connection.sendFragment(bytes.span.bytes, as: .text, isFirst: false, isLast: false)
          connection.sendFragment(
            bytes.span.bytes, as: .text, isFirst: false, isLast: true,
            completion: tally.completion())
          let header = FrameHeader(
            opcode: .binary, payloadLength: UInt64(length), maskingKey: MaskingKey(0x0102_0304))
          connection.sendFrame(header, bytes.span.bytes)
        }
        connection.close(.goingAway, reason: "done")
      }
      for (number, length) in lengths.enumerated() {
        let bytes = Bytes.pattern(length, seed: UInt64(number))
        for _ in 0..<4 { #expect(try peer.readClientFrame() == .binary(bytes)) }
        #expect(try peer.readClientFrame() == .ping("p\(number)"))
        #expect(try peer.readClientFrame() == Frame(opcode: 1, payload: bytes, isFinal: false))
        #expect(try peer.readClientFrame() == .pong("q\(number)"))
        #expect(try peer.readClientFrame() == .continuation(bytes, isFinal: false))
        #expect(try peer.readClientFrame() == .continuation(bytes, isFinal: true))
        let (raw, key) = try peer.readMaskedFrame()
        #expect(raw == .binary(bytes) && key == [1, 2, 3, 4])
      }
      #expect(try peer.readClientFrame() == .close(1001, "done"))
      pthread_join(sender, nil)
      #expect(eventually { tally.isSettled } && tally.lostCount == 0)
      peer.close()
    }
  }

  @Test("from its own thread is the same", arguments: backends)
  func ownThread(on kind: BackendKind) throws {
    let lengths = [0, 1, 125, 126, 8192, 65_536, 300_000]
    try dialing(
      on: kind,
      configure: {
        $0.reactor.queue.byteCountMax = 64 << 20
        $0.fragmentByteCountMax = nil
      },
      handle: { on, _ in
        on.received = { connection, _, _ in
          for (number, length) in lengths.enumerated() {
            let bytes = Bytes.pattern(length, seed: UInt64(number))
            connection.send(bytes)
            connection.send(bytes, completion: { _ in })
            connection.send(PreparedMessage(bytes))
            connection.sendFragment(bytes.span.bytes, as: .binary, isFirst: true, isLast: false)
            connection.ping("p".utf8Span.span.bytes)
            connection.sendFragment(bytes.span.bytes, as: .binary, isFirst: false, isLast: true)
          }
        }
      }
    ) { running in
      let server = try ScriptedServer()
      let (_, peer) = try running.open(server)
      try peer.sendUnmasked(.text("go"))
      for (number, length) in lengths.enumerated() {
        let bytes = Bytes.pattern(length, seed: UInt64(number))
        for _ in 0..<3 { #expect(try peer.readClientFrame() == .binary(bytes)) }
        #expect(try peer.readClientFrame() == .binary(bytes, isFinal: false))
        #expect(try peer.readClientFrame() == .ping("p"))
        #expect(try peer.readClientFrame() == .continuation(bytes, isFinal: true))
      }
      peer.close()
    }
  }

  @Test("does not come from topics", arguments: backends)
  func topics(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let topic = running.server.topic("prices")
      let answers = Locked<[Subscribing]>([])
      try dialing(
        on: kind,
        handle: { on, _ in
          on.opened = { connection, _ in
            let answer = connection.subscribe(to: topic)
            answers.withLock { $0.append(answer) }
          }
        }
      ) { dialer in
        let dial = try dialer.dial("ws://127.0.0.1:\(running.port)/")
        let connection = try dial.waitUntilOpen()
        #expect(connection.subscribe(to: topic) == .closed)
        #expect(dialer.journal.connections == [connection])
        #expect(answers.withLock { $0 } == [.closed])
        topic.publish("not for clients")
        connection.send("echo")
        #expect(eventually { dialer.journal.events == [.opened, .text("echo")] })
      }
    }
  }

  @Test("is dropped in whole frames, and the newest stay", arguments: backends)
  func dropOldest(on kind: BackendKind) throws {
    try dialing(
      on: kind,
      configure: {
        $0.reactor.queue.byteCountMax = 100_000
        $0.reactor.queue.backpressureByteCount = 50_000
        $0.reactor.queue.overflow = .dropOldest
      }
    ) { running in
      let server = try ScriptedServer()
      let (connection, peer) = try running.open(server) {
        $0.socket.sendBufferByteCount = 20_000
      }
      let tally = Tally()
      for number in 0..<3000 {
        // What is still on its way counts too: let the reactor decide, not the mailbox.
        if number % 20 == 0 { usleep(500) }
        let text = "\(number) " + String(repeating: "x", count: 2000)
        if number % 2 == 0 {
          connection.send(text, completion: tally.completion())
        } else {
          connection.send(PreparedMessage(text), completion: tally.completion())
        }
      }
      usleep(50_000)
      for number in 3000..<3005 { connection.send("\(number)", completion: tally.completion()) }
      connection.close()
      var numbers: [Int] = []
      var frame = try peer.readClientFrame()
      while frame.opcode == 1 {
        numbers.append(try #require(Int(frame.text.prefix { $0 != " " })))
        frame = try peer.readClientFrame()
      }
      #expect(frame.closeCode == 1000)
      #expect(numbers == numbers.sorted() && numbers.suffix(5) == [3000, 3001, 3002, 3003, 3004])
      #expect(eventually { tally.isSettled } && tally.lostCount > 0)
      peer.close()
    }
  }

  @Test(
    "and meets backpressure is followed by word that the queue is empty", arguments: backends)
  func drained(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.reactor.queue.backpressureByteCount = 3000 }) { running in
      let server = try ScriptedServer()
      let (connection, peer) = try running.open(server)
      let bytes = Bytes.pattern(2000, seed: 1)
      for isPrepared in [false, true] {
        let count = running.journal.events.count { $0 == .drained }
        let release = running.hold()
        // Not to be sent, having no beginning; but as long as it is on its way it counts.
        connection.sendFragment(bytes.span.bytes, as: .binary, isFirst: false, isLast: false)
        let result =
          isPrepared ? connection.send(PreparedMessage(bytes)) : connection.send(bytes)
        #expect(result == .backpressure)
        release()
        #expect(try peer.readClientFrame() == .binary(bytes))
        let isTold = eventually(seconds: 2) {
          running.journal.events.count { $0 == .drained } == count + 1
        }
        #expect(isTold, "prepared: \(isPrepared)")
      }
      peer.close()
    }
  }

  @Test("ends with 1013 when the queue is full and that is the policy", arguments: backends)
  func overflow(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let (connection, peer) = try running.open(server) { $0.socket.sendBufferByteCount = 20_000 }
      let bytes = Bytes.pattern(100_000, seed: 1)
      #expect(
        eventually {
          usleep(2000)
          connection.send(bytes)
          return !running.journal.errors.isEmpty
        })
      var frame = try peer.readClientFrame()
      while frame == .binary(bytes) { frame = try peer.readClientFrame() }
      #expect(frame.closeCode == 1013)
      #expect(try peer.readsEnd())
      #expect(running.journal.errors == [.queueOverflow])
      peer.close()
    }
  }
}
