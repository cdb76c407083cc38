import Glibc
import Testing
import WebSocket

@Suite("A connection whose receiving is paused")
struct PausingTests {
  private func configure(_ configuration: inout ServerConfiguration) {
    configuration.pingIntervalMilliseconds = 100
    configuration.idleTimeoutMilliseconds = 400
  }

  /// Pauses when it is told to, on the reactor's thread.
  private func pause(_ on: inout Callbacks<Tracked>, _: Journal) {
    on.received = { connection, message, _ in
      if message.isText, message.text == "pause" { connection.pauseReceiving() }
      connection.send(message)
    }
  }

  @Test(
    "holds its peer up, keeps no more than was said, and loses nothing", arguments: backends,
    [true, false])
  func backpressure(on kind: BackendKind, fromAnotherThread: Bool) throws {
    let byteCount = Locked(0)
    try serve(
      on: kind, recordsTraffic: false,
      handle: { on, _ in
        on.received = { connection, message, _ in
          if message.isText {
            connection.pauseReceiving()
          } else {
            byteCount.withLock { $0 += message.byteCount }
          }
        }
      }
    ) { running in
      let (peer, connection) = try running.openWithHandle()
      if fromAnotherThread {
        #expect(connection.pauseReceiving())
        usleep(50_000)
      } else {
        try peer.send(.text("pause"))
        usleep(50_000)
      }
      let frame = Frame.binary([UInt8](repeating: 1, count: 1000)).bytes()
      var sent = 0
      var idleRounds = 0
      let bytes = Array(repeatElement(frame, count: 100).joined())
      // Until the kernel takes no more.
      var rest = ArraySlice(bytes)
      while idleRounds < 50 {
        let count = try peer.trySend(Array(rest))
        sent += count
        rest = rest.dropFirst(count)
        if rest.isEmpty { rest = ArraySlice(bytes) }
        idleRounds = count == 0 ? idleRounds + 1 : 0
        if count == 0 { usleep(5000) }
      }
      let seen = byteCount.withLock { $0 }
      #expect(seen <= 2 << 20, "\(seen) bytes delivered")
      #expect(sent > seen)
      #expect(connection.resumeReceiving())
      try peer.send(Array(rest))
      sent += rest.count
      let expected = sent / frame.count * 1000
      #expect(eventually { byteCount.withLock { $0 } == expected })
    }
  }

  @Test("is not silent, and is still sent pings", arguments: backends)
  func silence(on kind: BackendKind) throws {
    try serve(on: kind, configure: configure, handle: pause) { running in
      let (peer, connection) = try running.openWithHandle()
      try peer.send(.text("pause"))
      #expect(try peer.readFrame() == .text("pause"))
      var pingCount = 0
      let duration = try seconds {
        while pingCount < 8 {
          let frame = try peer.readFrame()
          #expect(frame == .ping())
          pingCount += 1
        }
      }
      #expect(duration > 0.6, "longer than the idle time-out")
      try peer.send(.text("while paused"))
      usleep(100_000)
      #expect(!running.journal.events.contains(.text("while paused")))
      connection.resumeReceiving()
      var last = Frame.ping()
      while last == .ping() { last = try peer.readFrame() }
      #expect(last == .text("while paused"))
      #expect(running.journal.errors == [])
    }
  }

  @Test("ends if its peer acknowledges nothing for the idle time-out", arguments: backends)
  func unacknowledged(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        configure(&$0)
        $0.listener.sendBufferByteCount = 16 << 10
        $0.reactor.sendTimeoutMilliseconds = 200
        $0.reactor.lingerMilliseconds = 200
      }, handle: pause
    ) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 4096)
      try peer.send(.text("pause"))
      #expect(try peer.readFrame() == .text("pause"))
      connection.send([UInt8](repeating: 7, count: 600_000))
      let duration = try seconds {
        let closure = try running.journal.closure()
        #expect(closure.error == .idleTimeout)
      }
      #expect(duration > 0.3 && duration < 3, "\(duration) s")
      peer.close()
    }
  }

  @Test("ends at once when its peer resets it", arguments: backends)
  func reset(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.pingIntervalMilliseconds = 0
        $0.idleTimeoutMilliseconds = 0
      }, handle: pause
    ) { running in
      for isFull in [false, true] {
        let count = running.journal.closures.count
        let (peer, _) = try running.openWithHandle()
        try peer.send(.text("pause"))
        #expect(try peer.readFrame() == .text("pause"))
        if isFull { try peer.send([UInt8](repeating: 0x82, count: 10)) }
        usleep(20_000)
        let duration = seconds {
          peer.reset()
          #expect(eventually { running.journal.closures.count > count })
        }
        #expect(duration < 1)
        #expect(running.journal.closures.last?.error != nil)
      }
    }
  }

  @Test("receives again when it closes", arguments: backends)
  func close(on kind: BackendKind) throws {
    try serve(on: kind, configure: configure, handle: pause) { running in
      let (peer, connection) = try running.openWithHandle()
      try peer.send(.text("pause"))
      #expect(try peer.readFrame() == .text("pause"))
      connection.close(.goingAway)
      #expect(try peer.readFrame().closeCode == 1001)
      try peer.send(.close(1001))
      #expect(try peer.readsEnd())
      #expect(try running.journal.closure().isClean)
      peer.close()
      #expect(eventually { !connection.pauseReceiving() && !connection.resumeReceiving() })
    }
  }
}
