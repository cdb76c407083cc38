import Glibc
import Testing
import WebSocket

@Suite("Stopping a server")
struct StopTests {
  @Test("closes each connection with 1001, and waits for the answers", arguments: backends)
  func orderly(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peers = try (0..<20).map { _ in try running.open() }
      let halfDone = try running.connect()
      try halfDone.send(Array(Peer.upgradeRequest().dropLast()))
      running.server.stop()
      for peer in peers {
        let close = try peer.readFrame()
        #expect(close.closeCode == 1001 && close.closeReason == "server is stopping")
        try peer.send(.close(1001))
        #expect(try peer.readsEnd())
        peer.close()
      }
      let duration = seconds { running.server.wait() }
      #expect(duration < 0.5)
      #expect(running.journal.closures.count == 20)
      #expect(running.journal.closures.allSatisfy { $0.code == .goingAway && $0.isClean })
      #expect(throws: (any Error).self) { try running.connect() }
    }
  }

  @Test("is bounded, though peers never answer", arguments: backends)
  func bounded(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.reactor.stopMilliseconds = 300
        $0.closeTimeoutMilliseconds = 60_000
      }
    ) { running in
      let silent = try running.open()
      let unread = try running.open(receiveBufferByteCount: 4096)
      try running.journal.connection(after: 1).send([UInt8](repeating: 1, count: 8 << 20))
      let duration = seconds {
        running.server.stop()
        running.server.wait()
      }
      #expect(duration > 0.25 && duration < 0.6, "\(duration) s")
      #expect(running.journal.closures.count == 2)
      #expect(running.journal.closures.allSatisfy { !$0.isClean && $0.error != nil })
      silent.close()
      unread.close()
    }
  }

  @Test("is bounded by the close timeout, if that is shorter", arguments: backends)
  func closeTimeout(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.reactor.stopMilliseconds = 60_000
        $0.closeTimeoutMilliseconds = 200
      }
    ) { running in
      let peer = try running.open()
      let duration = seconds {
        running.server.stop()
        running.server.wait()
      }
      #expect(duration > 0.15 && duration < 1, "\(duration) s")
      #expect(running.journal.errors == [.closeTimeout])
      peer.close()
    }
  }

  @Test("can be asked for by a handler, and by many threads at once", arguments: backends)
  func anyThread(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.open()
      let server = running.server
      Threads.run(4) { _ in server.stop() }
      try peer.expectClose(1001, answering: true)
      Threads.run(2) { _ in server.wait() }
    }
  }

  @Test("sends what was queued before it", arguments: backends)
  func sendsFirst(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      let message = [UInt8](repeating: 5, count: 4 << 20)
      #expect(connection.send(message) != .closed)
      running.server.stop()
      #expect(try peer.readFrame() == .binary(message))
      #expect(try peer.readFrame().closeCode == 1001)
      try peer.send(.close(1001))
      #expect(try peer.readsEnd())
    }
  }

  @Test("leaves handles that say so", arguments: backends)
  func handles(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      running.server.stop()
      try peer.expectClose(1001, answering: true)
      running.server.wait()
      #expect(!connection.isOpen)
      #expect(connection.send("late") == .closed)
      #expect(!connection.withState(as: Tracked.self) { _ in })
      connection.close()
    }
  }
}

extension Peer {
  /// Expects a close frame with this code, answers it, and expects FIN.
  fileprivate func expectClose(_ code: UInt16, answering: Bool) throws {
    #expect(try readFrame().closeCode == code)
    try send(.close(code))
    #expect(try readsEnd())
  }
}
