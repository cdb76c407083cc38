import CURing
import Glibc
import Testing

@testable import Reactor

@Suite("A simulated backend")
struct SimulatedBackendTests {
  private func course(seed: UInt64) throws -> (digest: UInt64, eventCount: Int) {
    var random = SimulatedRandom(seed: seed)
    let simulation = Simulation(seed: seed, faults: .random(&random))
    simulation.faults.failedAdoption = 0
    simulation.faults.failedAccept = 0
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
    for seed in 0..<10 as Range<UInt64> {
      let first = try course(seed: seed)
      #expect(try course(seed: seed) == first)
      #expect(try course(seed: seed + 100) != first)
    }
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
}
