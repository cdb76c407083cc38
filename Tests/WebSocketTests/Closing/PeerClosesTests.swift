import Testing
import WebSocket

@Suite("A peer that closes")
struct PeerClosesTests {
  @Test(
    "is answered with its own code, and the handler is told code and reason", arguments: backends)
  func codes(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      for (position, (code, reason)) in [
        (1000, ""), (1001, "going"), (1002, "grüße"), (3000, ""),
        (4999, String(repeating: "r", count: 123)),
      ].enumerated() {
        let peer = try running.open()
        try peer.send(.close(UInt16(code), reason))
        try peer.expectClose(UInt16(code))
        #expect(eventually { running.journal.closures.count == position + 1 })
        let closure = try #require(running.journal.closures.last)
        #expect(closure.code.rawValue == code)
        #expect(closure.reason == reason)
        #expect(closure.isClean && closure.error == nil)
      }
      #expect(running.journal.errors.isEmpty)
    }
  }

  @Test("without a code is answered without one, and reported as 1005", arguments: backends)
  func noCode(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(.close())
      try peer.expectClose(nil)
      let closure = try running.journal.closure()
      #expect(closure.code == .noStatusReceived && closure.isClean && closure.reason.isEmpty)
    }
  }

  @Test("gets what was sent before, and nothing it sends afterwards counts", arguments: backends)
  func order(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(.text("1"), .text("2"), .close(1000), .text("3"), Frame(opcode: 3))
      #expect(try peer.readFrame() == .text("1"))
      #expect(try peer.readFrame() == .text("2"))
      try peer.expectClose(1000)
      let events = running.journal.events
      #expect(events.prefix(3) == [.opened, .text("1"), .text("2")] && events.count == 4)
    }
  }

  @Test("with FIN alone has ended abnormally, without an error", arguments: backends)
  func finish(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(.text("last"))
      peer.finish()
      #expect(try peer.readFrame() == .text("last"))
      #expect(try peer.readsEnd())
      let closure = try running.journal.closure()
      #expect(closure.code == .abnormalClosure && !closure.isClean && closure.error == nil)
    }
  }

  @Test("with RST has ended abnormally, with the system's error", arguments: backends)
  func reset(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.expectEcho()
      peer.reset()
      let closure = try running.journal.closure()
      #expect(closure.code == .abnormalClosure && !closure.isClean)
      guard case .system(let error) = closure.error else {
        Issue.record("no error: \(closure)")
        return
      }
      #expect(error.code == 104)
      #expect(running.journal.events.suffix(2).first == .failed(.system(error)))
    }
  }

  @Test("and is gone before it could be answered has still closed cleanly", arguments: backends)
  func closesAndResets(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      try peer.send(.close(1001))
      peer.close()
      let closure = try running.journal.closure()
      #expect(closure.code == .goingAway)
    }
  }
}
