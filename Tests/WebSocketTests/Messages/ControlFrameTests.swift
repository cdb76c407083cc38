import Testing
import WebSocket

@Suite("A control frame")
struct ControlFrameTests {
  @Test("ping is answered by itself, with its payload, and shown to the hook", arguments: backends)
  func ping(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      let longest = String(repeating: "p", count: 125)
      try peer.send(.ping(), .ping("abc"), .ping(longest))
      for payload in ["", "abc", longest] { #expect(try peer.readFrame() == .pong(payload)) }
      #expect(running.journal.events == [.opened, .ping(""), .ping("abc"), .ping(longest)])
    }
  }

  @Test("pong is shown to the hook, asked for or not", arguments: backends)
  func pong(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, _ in
        on.opened = { connection, _ in connection.ping("when?".utf8.span.bytes) }
        on.received = { connection, _, _ in connection.pong("beat".utf8.span.bytes) }
      }
    ) { running in
      let peer = try running.open()
      #expect(try peer.readFrame() == .ping("when?"))
      try peer.send(.pong("when?"), .pong("unasked"), .text("x"))
      #expect(try peer.readFrame() == .pong("beat"))
      #expect(running.journal.events.prefix(3) == [.opened, .pong("when?"), .pong("unasked")])
    }
  }

  @Test("ping measures the round trip from any thread", arguments: backends)
  func pingFromOutside(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      #expect(connection.ping("t=1".utf8.span.bytes) == .accepted)
      #expect(try peer.readFrame() == .ping("t=1"))
      try peer.send(.pong("t=1"))
      #expect(eventually { running.journal.events.contains(.pong("t=1")) })
      #expect(connection.pong("t=2".utf8.span.bytes) == .accepted)
      #expect(try peer.readFrame() == .pong("t=2"))
    }
  }
}
