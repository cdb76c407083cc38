import CURing
import Glibc
import Testing

@testable import Reactor

@Suite("io_uring: direct descriptors", .serialized, .enabled(if: TestBackend.isIOURingPermitted))
struct DirectDescriptorTests {
  private var direct: IOURingConfiguration {
    IOURingConfiguration(usesDirectDescriptors: true)
  }

  @Test("a connection costs the process no descriptor, and works as any other")
  func echo() throws {
    let bench = try Bench(direct, capacity: 16)
    #expect(bench.backend.descriptorsPerConnection == 0)
    let (connection, peer) = try bench.connect()
    #expect(connection.pointee.descriptor == Int32(connection.pointee.index))
    write(peer, pattern(100_000))
    #expect(bench.wait { bench.recorder.receivedBytes[0]?.count == 100_000 })
    #expect(digest(bench.recorder.receivedBytes[0]) == digest(pattern(100_000)))
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 1)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: pattern(1000))
    _ = bench.send(bytes, on: connection)
    #expect(bench.wait { bench.recorder.sentCounts[0] == [1000] })
    #expect(readAll(peer, count: 1000) == pattern(1000))
    bench.backend.quiesce(connection)
    #expect(bench.wait { connection.pointee.receiveState.contains(.isPolling) })
    write(peer, [9])
    #expect(bench.wait { bench.recorder.receivedBytes[0]?.last == 9 })
  }

  @Test("shutting down sends FIN, and bytes still come")
  func shutdownSending() throws {
    let bench = try Bench(direct, capacity: 16)
    let (connection, peer) = try bench.connect()
    bench.backend.shutdownSending(on: connection)
    bench.wait(milliseconds: 1)
    bench.wait(milliseconds: 1)
    var byte: UInt8 = 0
    #expect(recv(peer, &byte, 1, 0) == 0)
    write(peer, [4, 5])
    #expect(bench.wait { bench.recorder.receivedBytes[0] == [4, 5] })
    bench.backend.close(connection, reset: false)
    #expect(bench.wait { bench.slab.count == 0 })
  }

  @Test("closing sends FIN or RST, and the slot can be used again", arguments: [true, false])
  func close(reset: Bool) throws {
    let bench = try Bench(direct, capacity: 1)
    for _ in 0..<3 {
      for receives in [true, false] {
        let (connection, peer) = try bench.connect(receives: receives)
        bench.wait()
        bench.backend.close(connection, reset: reset)
        #expect(bench.wait { bench.slab.count == 0 })
        var byte: UInt8 = 0
        #expect(recv(peer, &byte, 1, 0) == (reset ? -1 : 0))
      }
    }
  }

  @Test("a send without room ends when the connection is closed")
  func closeWhileSending() throws {
    let bench = try Bench(direct, capacity: 1)
    let (connection, _) = try bench.connect()
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 20, alignment: 1)
    defer { bytes.deallocate() }
    bench.recorder.onSent = { [unowned bench] count, connection in
      _ = bench.send(.init(rebasing: bytes[count...]), on: connection)
    }
    _ = bench.send(bytes, on: connection)
    #expect(bench.wait { connection.pointee.sendState.contains(.isWaiting) })
    bench.wait()
    bench.backend.close(connection, reset: false)
    #expect(bench.wait { bench.slab.count == 0 })
  }

  @Test("after 10,000 connections nothing is left")
  func leak() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        let bench = try Bench(.init(usesDirectDescriptors: true), capacity: 64)
        let listener = TCPListener()
        let before = openDescriptorCount()
        for _ in 0..<200 {
          var peers: [Int32] = []
          for _ in 0..<50 {
            peers.append(listener.connect())
            let connection = bench.slab.allocate()!
            connection.pointee.descriptor = Glibc.accept(listener.descriptor, nil, nil)
            try bench.backend.adopt(connection)
            bench.backend.receive(on: connection)
          }
          bench.wait()
          guard openDescriptorCount() == before + 50 else { exit(1) }
          for index in bench.slab.openIndexes {
            bench.backend.close(bench.slab.record(at: index), reset: false)
          }
          guard bench.wait(until: { bench.slab.count == 0 }) else { exit(2) }
          var byte: UInt8 = 0
          for peer in peers {
            guard recv(peer, &byte, 1, 0) == 0 else { exit(3) }
            Glibc.close(peer)
          }
        }
        exit(
          bench.recorder.closedIndexes.count == 10_000 && openDescriptorCount() == before ? 0 : 4)
      }
    }
  }

  @Test("there are no more records than slots in the table, and a slot given back is used again")
  func tableFull() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = 512
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let bench = try Bench(.init(usesDirectDescriptors: true), capacity: 1000)
        guard bench.backend.tableCount == 512 else { exit(1) }
        for _ in 0..<512 { _ = bench.slab.allocate() }
        // One that was beyond the table would from now on be the next to be used.
        guard bench.slab.allocate() == nil else { exit(2) }
        bench.slab.release(bench.slab.record(at: 7))
        let pair = TCPPair()
        guard let connection = bench.slab.allocate() else { exit(3) }
        connection.pointee.descriptor = pair.accepted
        try bench.backend.adopt(connection)
        exit(connection.pointee.index == 7 && bench.slab.allocate() == nil ? 0 : 4)
      }
    }
  }
}

extension ConnectionSlab {
  fileprivate var openIndexes: [UInt32] {
    (0..<UInt32(highWaterCount)).filter { record(at: $0).pointee.descriptor >= 0 }
  }
}
