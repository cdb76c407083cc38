import Glibc
import Testing
import WebSocket

@Suite("A close code that is passed on from another connection")
struct RelayTests {
  /// What an upstream does, and the code of the close frame that the client of the relay gets; nil: none.
  private static let endings: [(frame: Frame?, code: UInt16?)] =
    [(Frame.close(), nil), (nil, 1011)]
    + ([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4999]
    as [UInt16]).map { (Frame.close($0, "because of \($0)"), $0) }

  @Test("arrives as it is if it may be on the wire, else as none or as 1011", arguments: backends)
  func relay(on kind: BackendKind) throws {
    let downstream = Locked<Connection?>(nil)
    let relay: @Sendable (Closure) -> Void = { closure in
      downstream.withLock { $0 }?.close(closure.code, reason: closure.reason)
    }
    try serve(on: kind) { running in
      try dialing(on: kind, handle: { on, _ in on.closed = { _, closure, _ in relay(closure) } }) {
        client in
        let upstream = try ScriptedServer()
        for (frame, code) in Self.endings {
          let (peer, connection) = try running.openWithHandle()
          downstream.withLock { $0 = connection }
          let (_, other) = try client.open(upstream)
          if let frame {
            try other.sendUnmasked(frame)
          } else {
            other.reset()
          }
          let close = try peer.readFrame()
          #expect(close.opcode == 8 && close.closeCode == code)
          #expect(close.closeReason == (frame?.closeReason ?? ""))
          try peer.send(.close(1000))
          #expect(try peer.readsEnd())
          other.close()
        }
      }
    }
  }

  @Test("is replaced by 1011 on whatever thread close is called", arguments: backends)
  func everywhere(on kind: BackendKind) throws {
    let codes: [UInt16] = [0, 1, 999, 1004, 1006, 1015, 1016, 1999, 2999, 5000, 65_535]
    try serve(
      on: kind,
      handle: { on, _ in
        // On the reactor's own thread.
        on.received = { connection, message, _ in
          connection.close(UInt16(message.text).map { CloseCode(rawValue: $0) })
        }
      }
    ) { running in
      for code in codes {
        let peer = try running.open()
        try peer.send(.text("\(code)"))
        #expect(try peer.readFrame() == .close(1011))
        try peer.send(.close(1000))
        let (other, connection) = try running.openWithHandle()
        connection.close(CloseCode(rawValue: code), reason: "from another thread")
        #expect(try other.readFrame() == .close(1011, "from another thread"))
        try other.send(.close(1000))
      }
    }
  }
}
