import CURing
import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("A simulated backend")
struct SimulatedBackendTests {
  private func course(seed: UInt64) throws -> (digest: UInt64, eventCount: Int) {
    var random = SimulatedRandom(seed: seed)
    let simulation = Simulation(seed: seed, faults: .random(&random))
    simulation.faults.failedSocket = 0
    simulation.faults.failedConnect = 0
    try simulation.run {
      try TestReactor.run(.simulated) { reactor in
        let pairs = try (0..<5).map { _ in try reactor.connect() }
        for (connection, _) in pairs { reactor.send(patternedBytes(10_000), on: connection) }
        var read = 0
        reactor.run(until: { read == 50_000 }) {
          for (_, client) in pairs { read += client.readSome()?.count ?? 0 }
        }
        for (_, client) in pairs { client.close() }
      }
    }
    simulation.end()
    return (simulation.digest, simulation.eventCount)
  }

  @Test("does the same for the same seed, and something else for another")
  func deterministic() throws {
    var digests: Set<UInt64> = []
    for seed in 0..<20 as Range<UInt64> {
      let first = try course(seed: seed)
      #expect(try course(seed: seed) == first)
      digests.insert(first.digest)
    }
    // Where next to nothing goes wrong, two may be alike.
    #expect(digests.count > 15)
  }

  @Test("leaves no descriptor open")
  func descriptors() throws {
    let simulation = Simulation(seed: 1)
    try simulation.run {
      try TestReactor.run(.simulated) { reactor in
        let listener = try reactor.listen()
        reactor.recorder.onAccepted = { _ = try? reactor.adopt($0) }
        let clients = try (0..<100).map { _ in try TestSocket.connect(listener.address) }
        reactor.run(until: { reactor.recorder.accepted.count == 100 })
        for client in clients { client.close() }
      }
    }
    #expect(simulation.openDescriptorCount == 0)
  }

  @Test("sees that the bytes of a send in flight change")
  func changedBytes() throws {
    var faults = SimulatedFaults()
    faults.lateSend = 1000
    faults.windowByteCounts = 100...100
    let simulation = Simulation(seed: 1, faults: faults)
    try simulation.run {
      try TestReactor.run(.simulated) { reactor in
        let (connection, client) = try reactor.connect()
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 1)
        memset(bytes.baseAddress!, 1, 1000)
        defer { bytes.deallocate() }
        var vector = iovec(iov_base: bytes.baseAddress, iov_len: 1000)
        _ = withUnsafeMutablePointer(to: &vector) {
          reactor.backend.send(
            SendBatch(vectors: .init(start: $0, count: 1), byteCount: 1000), on: connection)
        }
        bytes[999] = 2
        reactor.settle()
        _ = client.readSome()
        reactor.settle()
        client.close()
        reactor.close(connection, reset: true)
        reactor.settle()
      }
    }
    #expect(simulation.violations.contains("bytes of a send in flight have changed"))
  }

  @Test("tells what connecting fails with, at once or later, as a script says")
  func connecting() throws {
    let simulation = Simulation(seed: 1)
    try simulation.run {
      try TestReactor.run(.simulated) { reactor in
        let listener = try reactor.listen()
        simulation.script.add(1, .connect, .fails(ENETUNREACH))
        simulation.script.add(2, .connect, .failsLater(EHOSTUNREACH))
        #expect(throws: SystemError.self) { try reactor.begin(listener.address) }
        let connection = try reactor.begin(listener.address)
        #expect(reactor.recorder.trace(connection).connected == [])
        reactor.run(until: { reactor.recorder.trace(connection).connected == [EHOSTUNREACH] })
        let other = try reactor.begin(listener.address)
        reactor.run(until: { reactor.recorder.trace(other).connected == [0] })
        for (descriptor, _) in reactor.recorder.accepted { Socket(descriptor).close() }
      }
    }
    simulation.end()
  }

  @Test("has a peer vanish, and both ends give up")
  func vanishing() throws {
    let simulation = Simulation(seed: 1)
    try simulation.run {
      try TestReactor.run(.simulated) { reactor in
        let (connection, client) = try reactor.connect()
        let sender = reactor.send(patternedBytes(1 << 20), on: connection)
        reactor.settle()
        simulation.faults.vanishing = 1000
        simulation.stallConnection(0, nanoseconds: 1)
        client.write("lost")
        reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
        reactor.settle()
        let trace = reactor.recorder.trace(connection)
        #expect(trace.bytes.isEmpty)
        #expect(trace.ends == [ETIMEDOUT] || trace.sendFailures == [ETIMEDOUT])
        #expect(sender.sentCount < 1 << 20)
        reactor.run(until: { client.readSome() == nil })
        client.close()
      }
    }
    simulation.end()
  }

  @Test("lets an address be bound to once, unless it is shared")
  func binding() throws {
    let simulation = Simulation(seed: 1)
    try simulation.run {
      let first = try Listener.open(.loopback(port: 0))
      let error = #expect(throws: SystemError.self) { try Listener.open(first.address) }
      #expect(error?.code == EADDRINUSE)
      let wildcard = SocketAddress.ipv4(0, port: try #require(first.address.port))
      #expect(throws: SystemError.self) { try Listener.open(wildcard) }
      first.close()
      var options = ListenerOptions()
      options.isPortShared = true
      let shared = try (0..<2).map { _ in try Listener.open(wildcard, options: options) }
      for listener in shared { listener.close() }
      #expect(simulation.openDescriptorCount == 0)
    }
    simulation.end()
  }
}
