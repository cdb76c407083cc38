import Glibc
import Testing

@testable import Reactor

@Suite("Contract of backends: sending")
struct SendingContractTests {
  /// Reads until so many bytes have come, while the backend works on.
  private func read(_ count: Int, from client: Socket, limit: Int, _ reactor: TestReactor)
    -> [UInt8]
  {
    var bytes: [UInt8] = []
    reactor.run(until: { bytes.count >= count }) { bytes += client.readSome(limit: limit) ?? [] }
    return bytes
  }

  @Test(
    "small sends arrive, in their order", arguments: ContractBackend.tested, Transport.allCases)
  func small(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      let bytes = patternedBytes(10_000)
      var received: [UInt8] = []
      for start in stride(from: 0, to: bytes.count, by: 100) {
        let sender = reactor.send(Array(bytes[start..<start + 100]), on: connection)
        // There may be no room for all of them at once.
        reactor.run(until: { sender.isDone }, client: { received += client.readSome() ?? [] })
      }
      received += read(bytes.count - received.count, from: client, limit: 1 << 20, reactor)
      #expect(received == bytes)
      client.close()
    }
  }

  @Test(
    "16 MiB arrive intact though the reader is slow",
    arguments: ContractBackend.tested, [(1, 65_536), (1, 1 << 20), (16, 300_000), (7, 65_536)])
  func slowReader(kind: ContractBackend, form: (vectorCount: Int, readLimit: Int)) throws {
    for transport in Transport.allCases {
      try TestReactor.run(kind) { reactor in
        let (connection, client) = try reactor.connect(transport)
        let bytes = patternedBytes(16 << 20)
        let sender = reactor.send(bytes, on: connection, vectorCount: form.vectorCount)
        #expect(read(bytes.count, from: client, limit: form.readLimit, reactor) == bytes)
        reactor.run(until: { sender.isDone })
        #expect(sender.wasPending)
        #expect(sender.failure == nil)
        client.close()
      }
    }
  }

  @Test(
    "a send waits without a report as long as nobody reads", arguments: ContractBackend.tested,
    Transport.allCases)
  func neverReading(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      let sender = reactor.send(patternedBytes(32 << 20), on: connection)
      reactor.settle()
      #expect(sender.isPending)
      let reportCount = reactor.recorder.reportCount
      let systemCallCount = reactor.backend.systemCallCount
      for _ in 0..<10 { reactor.wait(milliseconds: 2) }
      #expect(reactor.recorder.reportCount == reportCount)
      #expect(reactor.backend.systemCallCount - systemCallCount <= 20)
      client.close()
    }
  }

  @Test("many connections send and receive at the same time", arguments: ContractBackend.tested)
  func both(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let bytes = patternedBytes(1 << 20)
      let pairs = try (0..<20).map { _ in try reactor.connect() }
      for (connection, _) in pairs { reactor.send(bytes, on: connection) }
      var written = [Int](repeating: 0, count: pairs.count)
      var read = [[UInt8]](repeating: [], count: pairs.count)
      reactor.run(until: {
        pairs.allSatisfy { reactor.recorder.trace($0.connection).bytes.count >= bytes.count }
          && read.allSatisfy { $0.count >= bytes.count }
      }) {
        for (index, (_, client)) in pairs.enumerated() {
          written[index] += client.writeSome(bytes[written[index]...])
          read[index] += client.readSome() ?? []
        }
      }
      #expect(pairs.allSatisfy { reactor.recorder.trace($0.connection).bytes == bytes })
      #expect(read.allSatisfy { $0 == bytes })
      for (_, client) in pairs { client.close() }
    }
  }

  @Test(
    "sending on a broken connection fails with an errno, not with a signal",
    arguments: ContractBackend.tested, Transport.allCases)
  func broken(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      client.closeWithReset()
      reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
      let sender = reactor.send([1, 2, 3], on: connection)
      reactor.run(until: {
        sender.failure != nil || !reactor.recorder.trace(connection).sendFailures.isEmpty
      })
      let code = sender.failure ?? reactor.recorder.trace(connection).sendFailures.first
      #expect(code == EPIPE || code == ECONNRESET)
    }
  }

  @Test(
    "a connection that breaks while a send is pending ends the send",
    arguments: ContractBackend.tested, Transport.allCases)
  func brokenWhilePending(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      let sender = reactor.send(patternedBytes(32 << 20), on: connection)
      reactor.settle()
      #expect(sender.isPending)
      client.closeWithReset()
      reactor.run(until: {
        sender.failure != nil || !reactor.recorder.trace(connection).sendFailures.isEmpty
      })
    }
  }

  @Test(
    "after shutdownSending the peer sees all bytes and FIN, and can still send",
    arguments: ContractBackend.tested, Transport.allCases)
  func shutdown(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      let sender = reactor.send(Array("bye".utf8), on: connection)
      reactor.run(until: { sender.isDone })
      reactor.backend.shutdownSending(on: connection)
      #expect(read(3, from: client, limit: 3, reactor) == Array("bye".utf8))
      reactor.run(until: { client.readEnd() == 0 })
      client.write("still here")
      reactor.run(until: { reactor.recorder.trace(connection).bytes == Array("still here".utf8) })
      client.close()
      reactor.run(until: { reactor.recorder.trace(connection).ends == [0] })
    }
  }

  @Test(
    "sending goes on after the peer's FIN", arguments: ContractBackend.tested, Transport.allCases)
  func afterFIN(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      client.shutdownSending()
      reactor.run(until: { reactor.recorder.trace(connection).ends == [0] })
      let bytes = patternedBytes(4 << 20)
      let sender = reactor.send(bytes, on: connection)
      #expect(read(bytes.count, from: client, limit: 1 << 20, reactor) == bytes)
      reactor.run(until: { sender.isDone })
      client.close()
    }
  }
}
