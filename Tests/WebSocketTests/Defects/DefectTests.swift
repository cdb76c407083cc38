import Synchronization
import Testing
import WebSocket

/// What was found wrong with the library whose successor this is: none of it is wrong here.
@Suite("Unlike its predecessor")
struct DefectTests {
  @Test("an abrupt disconnect leaves nothing behind", arguments: backends)
  func leak(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      for _ in 0..<100 {
        let peer = try running.open()
        peer.close()
      }
      #expect(eventually { running.connectionCount == 0 && running.journal.trackedCount == 0 })
      #expect(running.socketCount == 0)
      #expect(running.journal.closures.count == 100)
    }
  }

  @Test(
    "a peer that does not read keeps neither its sender nor the others waiting", arguments: backends
  )
  func slowReader(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let (deaf, first) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      let (peer, second) = try running.openWithHandle()
      let message = [UInt8](repeating: 1, count: 64 << 10)
      let duration = try seconds {
        for number in 0..<400 {
          first.send(message)
          second.send("\(number)")
          if number % 20 == 19 {
            for read in (number - 19)...number { try peer.expect(.text("\(read)")) }
          }
        }
      }
      #expect(duration < 3, "\(duration) s")
      #expect(first.send(message) != .accepted)
      deaf.close()
    }
  }

  @Test("the code of the peer's close frame is never lost", arguments: backends)
  func closeCode(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      for number in 0..<200 {
        let peer = try running.open()
        try peer.send(.close(1001, "\(number)"))
        peer.finish()
        _ = try peer.readToEnd()
      }
      #expect(eventually { running.journal.closures.count == 200 })
      #expect(running.journal.closures.allSatisfy { $0.code == .goingAway && $0.isClean })
      #expect(Set(running.journal.closures.map(\.reason)).count == 200)
    }
  }

  @Test("the close frame is always sent, as an answer and of one's own accord", arguments: backends)
  func closeFrame(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      for number in 0..<200 {
        let (peer, connection) = try running.openWithHandle()
        if number % 2 == 0 {
          try peer.send(.close(1001))
          try peer.expectClose(1001)
        } else {
          connection.close(.policyViolation, reason: "enough")
          try peer.expect(.close(1008, "enough"))
          try peer.send(.close(1008))
          #expect(try peer.readsEnd())
        }
      }
    }
  }

  @Test("sending after the close neither blocks nor pretends", arguments: backends)
  func writeAfterClose(on kind: BackendKind) throws {
    let lostCount = Atomic<Int>(0)
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      connection.close()
      #expect(try peer.readFrame().closeCode == 1000)
      let duration = seconds {
        for _ in 0..<10_000 {
          connection.send("late") { outcome in
            if outcome != .sent { lostCount.add(1, ordering: .relaxed) }
          }
        }
      }
      #expect(duration < 3, "\(duration) s")
      #expect(eventually { lostCount.load(ordering: .relaxed) == 10_000 })
      try peer.send(.close(1000))
      #expect(try peer.readsEnd())
      #expect(eventually { connection.send("later") == .closed })
    }
  }

  @Test("a fragmented binary message is binary", arguments: backends)
  func fragmentedBinary(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(.binary([1, 2], isFinal: false), .continuation([3], isFinal: true))
      try peer.expect(.binary([1, 2, 3]))
      #expect(running.journal.events.last == .binary([1, 2, 3]))
    }
  }

  @Test("an empty message is a message", arguments: backends)
  func empty(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(.text(""), .binary([]))
      try peer.expect(.text(""), .binary([]))
      #expect(running.journal.events == [.opened, .text(""), .binary([])])
    }
  }

  @Test(
    "what the RFC forbids ends the connection",
    arguments: backends,
    [
      Frame.text("unmasked").bytes(maskingKey: nil),
      Frame(opcode: 1, payload: [0xFF, 0xFE]).bytes(),
      Frame(opcode: 1, payload: [1], reservedBits: 0x40).bytes(),
      Frame(opcode: 3).bytes(),
      Frame.continuation([1], isFinal: true).bytes(),
      Frame(opcode: 9, payload: [1], isFinal: false).bytes(),
      Frame(opcode: 9, payload: [UInt8](repeating: 1, count: 256)).bytes(),
      Frame.text("a", isFinal: false).bytes() + Frame.text("b").bytes(),
    ])
  func violations(on kind: BackendKind, bytes: [UInt8]) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(bytes)
      let close = try peer.readFrame()
      #expect(close.closeCode == 1002 || close.closeCode == 1007)
      #expect(try peer.readsEnd())
    }
  }

  @Test("fragments within the limit do not make a message beyond it", arguments: backends)
  func unboundedReassembly(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.messageByteCountMax = 1 << 20 }) { running in
      let peer = try running.open()
      let part = [UInt8](repeating: 1, count: 256 << 10)
      try peer.send(.binary(part, isFinal: false))
      for _ in 0..<4 { try peer.send(.continuation(part, isFinal: false)) }
      #expect(try peer.readFrame().closeCode == 1009)
      #expect(running.journal.events.allSatisfy { if case .binary = $0 { false } else { true } })
    }
  }

  @Test(
    "a close frame is checked", arguments: backends,
    [
      [3], [0, 0], [3, 231], [3, 236], [3, 237], [3, 238], [3, 247], [11, 183], [19, 136],
      [255, 255],
    ] as [[UInt8]])
  func closePayload(on kind: BackendKind, payload: [UInt8]) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(Frame(opcode: 8, payload: payload))
      try peer.expectClose(1002)
    }
  }
}
