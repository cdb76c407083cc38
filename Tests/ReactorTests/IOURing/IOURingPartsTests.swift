import CURing
import Glibc
import Testing

@testable import Reactor

@Suite(
  "io_uring: parts and older kernels", .serialized, .enabled(if: TestBackend.isIOURingPermitted))
struct IOURingPartsTests {
  @Test("a token keeps slot, generation and operation apart")
  func token() {
    let token = Token(.closing, index: 0xFF_FFFF, generation: .max)
    #expect(token.operation == .closing)
    #expect(token.index == 0xFF_FFFF)
    #expect(token.generation == .max)
    #expect(Token(rawValue: 0).operation == nil)
    #expect(Token(.receive, index: 1, generation: 2) != Token(.receive, index: 2, generation: 1))
  }

  @Test("of a long backlog no more are accepted than are reported by one wait")
  func acceptBudget() throws {
    let bench = try Bench()
    let listener = TCPListener()
    let clients = (0..<50).map { _ in listener.connect() }
    bench.backend.accept(on: listener.descriptor, index: 0)
    for count in [16, 32, 48, 50] {
      bench.wait(milliseconds: 1000)
      #expect(bench.recorder.acceptedDescriptors.count == count)
    }
    bench.backend.stopAccepting(index: 0)
    for descriptor in clients + bench.recorder.acceptedDescriptors + [listener.descriptor] {
      Glibc.close(descriptor)
    }
  }

  @Test("what a wait has no time for comes with the next ones, in its order")
  func noTime() throws {
    let bench = try Bench(.init(deliveryNanosecondsMax: 0, backlogNanosecondsMin: 0))
    let connections = try (0..<10).map { _ in try bench.connect() }
    bench.wait()
    for (_, peer) in connections { #expect(Glibc.write(peer, "x", 1) == 1) }
    for count in 1...10 {
      bench.wait(milliseconds: 5000)
      let served = connections.map { bench.recorder.receivedBytes[$0.0.pointee.index]?.count ?? 0 }
      #expect(served.reduce(0, +) == count)
    }
  }

  @Test("a send is reported, though there is never time for all completions")
  func sentInFlood() throws {
    let bench = try Bench(.init(deliveryNanosecondsMax: 0, backlogNanosecondsMin: 0))
    let flooding = try (0..<10).map { _ in try bench.connect() }
    let (connection, peer) = try bench.connect()
    bench.wait()
    var bytes = pattern(100)
    bytes.withUnsafeMutableBytes { bytes in
      for round in 1...2 {
        _ = bench.send(bytes, on: connection)
        var waitCount = 0
        while bench.recorder.sentCounts[connection.pointee.index, default: []].count < round,
          waitCount < 1000
        {
          for (_, peer) in flooding { #expect(Glibc.write(peer, "x", 1) == 1) }
          bench.wait()
          if round == 1 { #expect(bench.backend.ring.readyCount > 0) }
          waitCount += 1
        }
        #expect(bench.recorder.sentCounts[connection.pointee.index]?.count == round)
        #expect(readAll(peer, count: 100) == pattern(100))
      }
    }
  }

  @Test("more sends of several ranges than there is room for go out all the same")
  func manyMessages() throws {
    let bench = try Bench(.init(submissionCount: 64, completionCount: 512))
    let connections = try (0..<300).map { _ in try bench.connect(receives: false) }
    var bytes = pattern(100)
    bytes.withUnsafeMutableBytes { bytes in
      for (connection, _) in connections {
        // The iovecs themselves are gone when the kernel sees the send.
        var vectors = [
          iovec(iov_base: bytes.baseAddress, iov_len: 30),
          iovec(iov_base: bytes.baseAddress! + 30, iov_len: 70),
        ]
        vectors.withUnsafeMutableBufferPointer {
          _ = bench.backend.send(SendBatch(vectors: $0, byteCount: 100), on: connection)
        }
        vectors = []
      }
      #expect(bench.wait { bench.recorder.sentCounts.count == 300 })
    }
    for (connection, peer) in connections {
      #expect(bench.recorder.sentCounts[connection.pointee.index] == [100])
      #expect(readAll(peer, count: 100) == pattern(100))
    }
  }

  @Test("what is with the kernel when a ring is torn down ends, and no descriptor stays open")
  func tearDown() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        let listener = TCPListener()
        let client = listener.connect()
        _ = try SelfTest.capabilities()
        let before = openDescriptorCount()
        do {
          let bench = try Bench()
          bench.backend.accept(on: listener.descriptor, index: 0)
          // Accepted, and not delivered.
          bench.backend.ring.submitAndWait(timeoutNanoseconds: 1_000_000_000)
          guard bench.backend.ring.readyCount == 1 else { exit(1) }
          bench.backend.tearDown()
          bench.backend.tearDown()
        }
        exit(openDescriptorCount() == before && client >= 0 ? 0 : 2)
      }
    }
  }
}
