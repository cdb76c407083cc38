import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("Contract of backends: receiving")
struct ReceivingContractTests {
  @Test(
    "what a slow writer sends arrives complete and in order",
    arguments: ContractBackend.tested,
    [1, 2, 125, 4_095, 4_096, 4_097, 65_537, 524_288, 524_289, 8 << 20])
  func complete(kind: ContractBackend, byteCount: Int) throws {
    for transport in Transport.allCases {
      try TestReactor.run(kind) { reactor in
        let (connection, client) = try reactor.connect(transport)
        let bytes = patternedBytes(byteCount)
        var written = 0
        var random = SystemRandomNumberGenerator()
        reactor.run(until: { reactor.recorder.trace(connection).bytes.count >= byteCount }) {
          let most = Int.random(in: 1...max(1, byteCount / 3), using: &random)
          written += client.writeSome(bytes[written..<min(byteCount, written + most)])
        }
        #expect(reactor.recorder.trace(connection).bytes == bytes)
        client.close()
      }
    }
  }

  @Test("bytes that came before receiving began are received", arguments: ContractBackend.tested)
  func early(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(receiving: false)
      client.write("early")
      reactor.settle()
      #expect(reactor.recorder.trace(connection).bytes.isEmpty)
      reactor.backend.receive(on: connection)
      reactor.run(until: { reactor.recorder.trace(connection).bytes == Array("early".utf8) })
      client.close()
    }
  }

  @Test(
    "the end of the stream is reported after all bytes, once",
    arguments: ContractBackend.tested, Transport.allCases)
  func end(kind: ContractBackend, transport: Transport) throws {
    for byteCount in [0, 5, 100_000, 2 << 20] {
      try TestReactor.run(kind) { reactor in
        let (connection, client) = try reactor.connect(transport)
        let bytes = patternedBytes(byteCount)
        var written = 0
        reactor.run(
          until: { written == byteCount },
          client: { written += client.writeSome(bytes[written...]) })
        client.shutdownSending()
        reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
        reactor.settle()
        #expect(reactor.recorder.trace(connection).ends == [0])
        #expect(reactor.recorder.trace(connection).bytes == bytes)
        client.close()
      }
    }
  }

  @Test(
    "bytes and end that are there at once are both delivered", arguments: ContractBackend.tested)
  func endAtOnce(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(receiving: false)
      client.write("last words")
      client.close()
      reactor.settle()
      reactor.backend.receive(on: connection)
      reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
      #expect(reactor.recorder.trace(connection).bytes == Array("last words".utf8))
      #expect(reactor.recorder.trace(connection).ends == [0])
    }
  }

  @Test("a reset ends receiving with ECONNRESET", arguments: ContractBackend.tested)
  func reset(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      reactor.settle()
      client.closeWithReset()
      reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
      reactor.settle()
      #expect(reactor.recorder.trace(connection).ends == [ECONNRESET])
    }
  }

  @Test("a reset that a send has met first is no clean end", arguments: ContractBackend.tested)
  func resetSeenBySend(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(receiving: false)
      reactor.settle()
      client.closeWithReset()
      // On the loopback the reset is there at once.
      if kind == .simulated { reactor.settle() }
      let sender = reactor.send([1], on: connection)
      reactor.run(until: {
        sender.failure != nil || !reactor.recorder.trace(connection).sendFailures.isEmpty
      })
      reactor.backend.receive(on: connection)
      reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
      #expect(reactor.recorder.trace(connection).ends != [0])
    }
  }

  @Test(
    "pausing and receiving again loses nothing, and after a while nothing is delivered when paused",
    arguments: ContractBackend.tested, Transport.allCases)
  func pause(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      let bytes = patternedBytes(4 << 20)
      var written = 0
      var pass = 0
      var pausedCount: Int?
      reactor.run(until: { reactor.recorder.trace(connection).bytes.count >= bytes.count }) {
        written += client.writeSome(bytes[written..<min(bytes.count, written + 150_000)])
        pass += 1
        switch pass % 8 {
        case 1: reactor.backend.pauseReceiving(on: connection)
        case 5: pausedCount = reactor.recorder.trace(connection).bytes.count
        case 7:
          #expect(reactor.recorder.trace(connection).bytes.count == pausedCount)
          reactor.backend.receive(on: connection)
        default: break
        }
      }
      #expect(reactor.recorder.trace(connection).bytes == bytes)
      client.close()
    }
  }

  @Test("pausing and receiving again at once loses nothing", arguments: ContractBackend.tested)
  func pauseWithin(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      reactor.recorder.onReceived = { connection in
        reactor.backend.pauseReceiving(on: connection)
        reactor.backend.receive(on: connection)
      }
      let bytes = patternedBytes(3 << 20)
      var written = 0
      reactor.run(
        until: { reactor.recorder.trace(connection).bytes.count >= bytes.count },
        client: { written += client.writeSome(bytes[written...]) })
      #expect(reactor.recorder.trace(connection).bytes == bytes)
      client.close()
    }
  }

  @Test(
    "an end that came while paused is reported after receiving again",
    arguments: ContractBackend.tested)
  func endWhilePaused(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      reactor.backend.pauseReceiving(on: connection)
      reactor.settle()
      client.write("x")
      client.close()
      reactor.settle()
      reactor.backend.receive(on: connection)
      reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
      #expect(reactor.recorder.trace(connection).bytes == Array("x".utf8))
      #expect(reactor.recorder.trace(connection).ends == [0])
    }
  }

  @Test(
    "a quiesced connection loses nothing, however often",
    arguments: ContractBackend.tested, Transport.allCases)
  func quiesce(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      var expected = 0
      for round in 0..<200 {
        reactor.backend.quiesce(connection)
        if round % 3 == 0 { reactor.wait(milliseconds: 0) }
        let bytes = patternedBytes(1 + round * 97)
        var written = client.writeSome(bytes[...])
        if round % 2 == 0 { reactor.backend.quiesce(connection) }
        expected += bytes.count
        reactor.run(
          until: { reactor.recorder.trace(connection).bytes.count == expected },
          client: { written += client.writeSome(bytes[written...]) })
      }
      reactor.backend.quiesce(connection)
      client.close()
      reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
    }
  }
}
