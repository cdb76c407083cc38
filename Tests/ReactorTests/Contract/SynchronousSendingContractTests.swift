import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("Contract of backends: sending before the call returns")
struct SynchronousSendingContractTests {
  @Test(
    "bytes that the socket has room for are there when the call returns, and are not reported",
    arguments: ContractBackend.tested)
  func whole(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      for vectorCount in [1, 7] {
        let bytes = patternedBytes(50_000)
        let sender = reactor.send(
          bytes, on: connection, vectorCount: vectorCount, isSynchronous: true)
        if !(reactor.backend is SimulatedBackend) {
          #expect(sender.isDone && !sender.wasPending)
          #expect(read(50_000, from: client) == bytes)
          let reportCount = reactor.recorder.reportCount
          reactor.settle()
          #expect(reactor.recorder.reportCount == reportCount)
        } else {
          #expect(read(50_000, from: client, reactor) == bytes)
          reactor.run(until: { sender.isDone })
        }
      }
      client.close()
    }
  }

  @Test(
    "of what the socket has no room for, a part is there, and the rest follows",
    arguments: ContractBackend.tested, [1, 16])
  func short(kind: ContractBackend, vectorCount: Int) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      let bytes = patternedBytes(6 << 20)
      let sender = reactor.send(
        bytes, on: connection, vectorCount: vectorCount, isSynchronous: true)
      #expect(sender.isPending && !sender.isDone)
      if !(reactor.backend is SimulatedBackend) { #expect(sender.sentCount > 100_000) }
      #expect(read(bytes.count, from: client, reactor) == bytes)
      reactor.run(until: { sender.isDone })
      #expect(sender.failure == nil)
      client.close()
    }
  }

  @Test(
    "what has become of a send is known before its report, and told once",
    arguments: ContractBackend.tested)
  func settled(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let pairs = try (0..<3).map { _ in try reactor.connect() }
      let bytes = patternedBytes(20_000)
      let senders = pairs.map { reactor.send(bytes, on: $0.connection) }
      // Those around it are reported as ever.
      senders[1].settle()
      if !(reactor.backend is SimulatedBackend) {
        #expect(senders[1].isDone && !senders[1].isPending)
        #expect(read(bytes.count, from: pairs[1].client) == bytes)
      }
      for (sender, pair) in zip(senders, pairs) {
        if pair.connection != pairs[1].connection || reactor.backend is SimulatedBackend {
          #expect(read(bytes.count, from: pair.client, reactor) == bytes)
        }
        reactor.run(until: { sender.isDone && !sender.isPending })
        #expect(sender.sentCount == bytes.count)
        pair.client.close()
      }
    }
  }

  @Test(
    "of a send that was short, what it has sent is counted once", arguments: ContractBackend.tested)
  func settledShort(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      let bytes = patternedBytes(6 << 20)
      // One send in flight is larger than what a socket takes.
      let sender = reactor.send(bytes, on: connection)
      for _ in 0..<3 where sender.isPending { sender.settle() }
      #expect(read(bytes.count, from: client, reactor) == bytes)
      reactor.run(until: { sender.isDone })
      #expect(sender.failure == nil && sender.sentCount == bytes.count)
      client.close()
    }
  }

  @Test("a broken connection fails the send, or its report does", arguments: ContractBackend.tested)
  func broken(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      client.closeWithReset()
      reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
      let sender = reactor.send([1, 2, 3], on: connection, isSynchronous: true)
      reactor.run(until: {
        sender.failure != nil || !reactor.recorder.trace(connection).sendFailures.isEmpty
      })
    }
  }

  /// Reads what is there, without the backend doing anything.
  private func read(_ count: Int, from client: Socket) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count, let more = client.readSome(), !more.isEmpty { bytes += more }
    return bytes
  }

  private func read(_ count: Int, from client: Socket, _ reactor: TestReactor) -> [UInt8] {
    var bytes: [UInt8] = []
    reactor.run(until: { bytes.count >= count }) { bytes += client.readSome() ?? [] }
    return bytes
  }
}
