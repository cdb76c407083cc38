import Glibc
import Testing
import WebSocket

@Suite("A silent connection")
struct KeepAliveTests {
  @Test("lives on as long as its peer answers pings", arguments: backends)
  func answered(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.pingIntervalMilliseconds = 100
        $0.idleTimeoutMilliseconds = 350
      }
    ) { running in
      let peer = try running.open()
      let duration = try seconds {
        for _ in 0..<10 {
          #expect(try peer.readFrame() == .ping())
          try peer.send(.pong())
        }
      }
      #expect(duration > 0.9 && duration < 3, "\(duration) s")
      try peer.expectEcho()
      #expect(running.journal.events.count { $0 == .pong("") } == 10)
    }
  }

  @Test("whose pings nobody answers ends, and its peer is told why", arguments: backends)
  func unanswered(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.pingIntervalMilliseconds = 100
        $0.idleTimeoutMilliseconds = 350
      }
    ) { running in
      let peer = try running.open()
      var pingCount = 0
      var last = Frame.ping()
      let duration = try seconds {
        while last == .ping() {
          last = try peer.readFrame()
          pingCount += 1
        }
      }
      #expect(last.closeCode == 1011)
      #expect(try peer.readsEnd())
      #expect(duration > 0.3 && duration < 1.5, "\(duration) s")
      #expect((2...4).contains(pingCount - 1))
      let closure = try running.journal.closure()
      #expect(closure.error == .idleTimeout && closure.code == .abnormalClosure)
      #expect(running.journal.errors == [.idleTimeout])
    }
  }

  @Test("without pings ends after the idle timeout", arguments: backends)
  func idle(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.pingIntervalMilliseconds = 0
        $0.idleTimeoutMilliseconds = 200
      }
    ) { running in
      let peer = try running.open()
      usleep(120_000)
      try peer.expectEcho()
      var last = Frame.ping()
      let duration = try seconds { last = try peer.readFrame() }
      #expect(last.closeCode == 1011)
      #expect(duration > 0.15 && duration < 1, "\(duration) s")
    }
  }

  @Test("with neither is left alone", arguments: backends)
  func never(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.pingIntervalMilliseconds = 0
        $0.idleTimeoutMilliseconds = 0
      }
    ) { running in
      let peer = try running.open()
      usleep(300_000)
      try peer.expectEcho()
    }
  }

  @Test("with a pong and nothing else from its peer is not silent", arguments: backends)
  func heartbeat(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.pingIntervalMilliseconds = 0
        $0.idleTimeoutMilliseconds = 300
      }
    ) { running in
      let peer = try running.open()
      for _ in 0..<6 {
        usleep(100_000)
        try peer.send(.pong("alive"))
      }
      try peer.expectEcho()
    }
  }
}
