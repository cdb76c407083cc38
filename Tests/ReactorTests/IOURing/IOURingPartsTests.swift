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

  @Test("a queue of connections stays in order while it grows")
  func queue() {
    let slab = ConnectionSlab(capacity: 1, attachmentByteCount: 0)
    let connection = slab.allocate()!
    var queue = ConnectionQueue(capacity: 4)
    var next = 0
    for number in 0..<100 {
      queue.append(connection, number: number)
      if number % 3 == 0 {
        #expect(queue.popFirst()?.number == next)
        next += 1
      }
    }
    while let first = queue.popFirst() {
      #expect(first.number == next)
      next += 1
    }
    #expect(next == 100 && queue.count == 0)
  }

  @Test("a kernel without multishot accept accepts one after the other")
  func singleAccept() throws {
    let capabilities = IOURingCapabilities(acceptsMultishot: false)
    let bench = try Bench(.init(capabilities: capabilities))
    let listener = TCPListener()
    bench.backend.accept(on: listener.descriptor, index: 0)
    let clients = (0..<5).map { _ in listener.connect() }
    #expect(bench.wait { bench.recorder.acceptedDescriptors.count == 5 })
    bench.backend.stopAccepting(index: 0)
    for descriptor in clients + bench.recorder.acceptedDescriptors + [listener.descriptor] {
      Glibc.close(descriptor)
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
