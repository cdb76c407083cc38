import CURing
import Glibc
import Testing

@testable import Reactor

/// The way of the bytes, each step on its own.
@Suite(
  "io_uring: accept, receive, send, close", .serialized,
  .enabled(if: TestBackend.isIOURingPermitted))
struct IOURingPathTests {
  @Test("accepts any number of connections, as descriptors that do not block")
  func accept() throws {
    let bench = try Bench()
    let listener = TCPListener()
    bench.backend.accept(on: listener.descriptor, index: 0)
    let clients = (0..<5).map { _ in listener.connect() }
    #expect(bench.wait { bench.recorder.acceptedDescriptors.count == 5 })
    for descriptor in bench.recorder.acceptedDescriptors {
      #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
      Glibc.close(descriptor)
    }
    bench.backend.stopAccepting(index: 0)
    Glibc.close(listener.descriptor)
    #expect(listener.connect() == -1, "the listener has gone")
    for client in clients { Glibc.close(client) }
  }

  @Test("delivers bytes in order, then the end")
  func receive() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    let index = connection.pointee.index
    write(peer, pattern(100_000))
    shutdown(peer, Int32(SHUT_WR))
    #expect(bench.wait { bench.recorder.receiveEnds[index] != nil })
    #expect(digest(bench.recorder.receivedBytes[index]) == digest(pattern(100_000)))
    #expect(bench.recorder.receiveEnds[index] == [0])
  }

  @Test("a send that fits is reported as sent by the next wait")
  func send() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 1)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: pattern(1000))
    guard case .pending(0) = bench.send(bytes, on: connection) else {
      Issue.record("the send is not pending")
      return
    }
    bench.wait()
    #expect(bench.recorder.sentCounts[connection.pointee.index] == [1000])
    #expect(readAll(peer, count: 1000) == pattern(1000))
  }

  @Test("closing ends what is with the kernel, sends FIN, and reports it once")
  func close() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    bench.wait()
    bench.backend.close(connection, reset: false)
    #expect(bench.recorder.closedIndexes.isEmpty)
    #expect(bench.wait { bench.recorder.closedIndexes == [0] })
    var byte: UInt8 = 0
    #expect(recv(peer, &byte, 1, 0) == 0)
    #expect(bench.slab.count == 0)
  }

  @Test("a reset reaches the peer as one", arguments: [true, false])
  func reset(receives: Bool) throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect(receives: receives)
    bench.wait()
    bench.backend.close(connection, reset: true)
    #expect(bench.wait { bench.recorder.closedIndexes == [0] })
    var byte: UInt8 = 0
    #expect(recv(peer, &byte, 1, 0) == -1)
    #expect(errno == ECONNRESET)
  }

  @Test("the eventfd ends a wait, again and again, without being read")
  func wake() throws {
    let bench = try Bench()
    for _ in 0..<3 {
      eventfd_write(bench.eventDescriptor, 1)
      let start = ContinuousClock.now
      bench.wait(milliseconds: 2000)
      #expect(ContinuousClock.now - start < .seconds(1))
    }
  }

  @Test("a wait without anything ends in time")
  func timeout() throws {
    let bench = try Bench()
    let start = ContinuousClock.now
    bench.wait(milliseconds: 30)
    let elapsed = ContinuousClock.now - start
    #expect(elapsed >= .milliseconds(29) && elapsed < .seconds(1))
  }
}
