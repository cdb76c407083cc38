import Testing
import WebSocket

@Suite("A message that breaks a rule")
struct MessageLimitTests {
  @Test("is answered with a close frame that says which, and then the end", arguments: backends)
  func protocolErrors(on kind: BackendKind) throws {
    let cases: [(bytes: [UInt8], code: UInt16, error: ProtocolError)] = [
      (Frame.text("x").bytes(maskingKey: nil), 1002, .frameNotMasked),
      (Frame(opcode: 1, reservedBits: 0x40).bytes(), 1002, .reservedBitSet),
      (Frame(opcode: 3).bytes(), 1002, .reservedOpcode),
      (Frame.continuation([1], isFinal: true).bytes(), 1002, .unexpectedContinuation),
      (Frame(opcode: 9, isFinal: false).bytes(), 1002, .controlFrameFragmented),
      (Frame.ping(String(repeating: "x", count: 126)).bytes(), 1002, .controlFrameTooLong),
      (
        Frame.text("a", isFinal: false).bytes() + Frame.text("b").bytes(), 1002, .messageNotFinished
      ),
      (Frame(opcode: 8, payload: [3]).bytes(), 1002, .closePayloadTooShort),
      (Frame.close(1005).bytes(), 1002, .invalidCloseCode),
      (Frame(opcode: 8, payload: [3, 232, 0xFF]).bytes(), 1007, .invalidCloseReason),
      (Frame(opcode: 1, payload: [0xC3, 0x28]).bytes(), 1007, .invalidText),
      (Frame(opcode: 1, payload: [0xC3]).bytes(), 1007, .invalidText),
    ]
    try serve(on: kind) { running in
      for (position, (bytes, code, error)) in cases.enumerated() {
        let (peer, connection) = try running.openWithHandle()
        try peer.expectEcho("before")
        try peer.send(bytes)
        let close = try peer.readFrame()
        #expect(close.closeCode == code, "\(error)")
        #expect(close.closeReason == error.reason)
        #expect(try peer.readsEnd())
        #expect(eventually { running.journal.closures.count == position + 1 })
        let events = running.journal.events(of: connection)
        #expect(events.dropFirst(2).first == .failed(.protocolError(error)))
        let closure = try #require(running.journal.closures.last)
        #expect(closure.code == .abnormalClosure && !closure.isClean)
        #expect(closure.error == .protocolError(error))
      }
    }
  }

  @Test("by invalid text is failed at its first bad byte, before it is whole", arguments: backends)
  func failsEarly(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      // Masked with zeros, so that the bad byte can be sent by itself.
      let begun = Frame.text(String(repeating: "x", count: 1000))
      try peer.send(begun.bytes(maskingKey: [0, 0, 0, 0], declaredLength: 5000))
      try peer.send([0xFF])
      try peer.expectClose(1007)
    }
  }

  @Test("by its declared length ends with 1009, and costs no memory", arguments: backends)
  func declaredLength(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      for length in [UInt64(Int64.max), 1 << 40, (16 << 20) + 1] as [UInt64] {
        let peer = try running.open()
        try peer.send(Frame.binary([1, 2, 3]).bytes(declaredLength: length))
        try peer.expectClose(1009)
      }
      // The top bit of a length must not be set at all (§5.2).
      let peer = try running.open()
      try peer.send(Frame.binary([]).bytes(declaredLength: .max))
      try peer.expectClose(1002)
    }
  }

  @Test("by fragments that add up to more than allowed ends with 1009", arguments: backends)
  func fragmentsAddUp(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.messageByteCountMax = 1000 }) { running in
      let peer = try running.open()
      let part = [UInt8](repeating: 7, count: 250)
      try peer.send(.binary(part, isFinal: false))
      for _ in 0..<2 { try peer.send(.continuation(part, isFinal: false)) }
      try peer.send(.continuation(part, isFinal: true))
      #expect(try peer.readFrame().payload.count == 1000)

      try peer.send(.binary(part, isFinal: false))
      for _ in 0..<3 { try peer.send(.continuation(part, isFinal: false)) }
      try peer.send(.continuation([1], isFinal: true))
      try peer.expectClose(1009)
      #expect(try running.journal.closure().error == .protocolError(.messageTooBig))
    }
  }

  @Test("by one frame longer than allowed ends with 1009", arguments: backends)
  func frameLimit(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.frameByteCountMax = 100 }) { running in
      let peer = try running.open()
      let part = [UInt8](repeating: 7, count: 100)
      try peer.send(.binary(part, isFinal: false), .continuation(part, isFinal: true))
      #expect(try peer.readFrame().payload.count == 200)
      try peer.send(.binary(part + [1]))
      try peer.expectClose(1009)
      #expect(try running.journal.closure().error == .protocolError(.frameTooBig))
    }
  }

  @Test("leaves what came before it answered, and what comes after it ignored", arguments: backends)
  func order(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      let bad = Frame(opcode: 1, payload: [0xFF])
      try peer.send(.text("before"), bad, .text("after"), .ping("after"))
      #expect(try peer.readFrame() == .text("before"))
      try peer.expectClose(1007)
      #expect(!running.journal.events.contains(.text("after")))
    }
  }
}
