import CURing
import Glibc
import Testing

@testable import Reactor

@Suite(
  "io_uring: the ways of waiting for bytes", .serialized,
  .enabled(if: TestBackend.isIOURingPermitted))
struct IOURingReceiveTests {
  @Test("a connection that is quiet waits with a poll, and is back to multishot at the next byte")
  func quiesce() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    bench.wait()
    #expect(bench.backend.state.multishotCount == 1)
    bench.backend.quiesce(connection)
    #expect(bench.wait { connection.pointee.receiveState.contains(.isPolling) })
    #expect(bench.backend.state.multishotCount == 0)
    write(peer, [1])
    #expect(bench.wait { bench.recorder.receivedBytes[0] == [1] })
    #expect(connection.pointee.receiveState == [.isWanted, .isMultishot])
    write(peer, [2])
    #expect(bench.wait { bench.recorder.receivedBytes[0] == [1, 2] })
  }

  @Test("the end of a quiet connection is seen")
  func quietEnd() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    bench.backend.quiesce(connection)
    #expect(bench.wait { connection.pointee.receiveState.contains(.isPolling) })
    bench.closePeer(peer)
    #expect(bench.wait { bench.recorder.receiveEnds[0] == [0] })
    bench.backend.close(connection, reset: false)
    #expect(bench.wait { bench.slab.count == 0 })
  }

  @Test("a quiet connection that is closed lets go of its poll")
  func quietClose() throws {
    let bench = try Bench()
    let (connection, _) = try bench.connect()
    bench.backend.quiesce(connection)
    #expect(bench.wait { connection.pointee.receiveState.contains(.isPolling) })
    bench.backend.close(connection, reset: false)
    #expect(bench.wait { bench.slab.count == 0 })
  }

  @Test("connections beyond the limit of multishot receives poll, and lose nothing")
  func manyConnections() throws {
    let bench = try Bench(.init(receiveBufferByteCount: 64, multishotCountMax: 2))
    let connections = try (0..<6).map { _ in try bench.connect() }
    bench.wait()
    #expect(bench.backend.state.multishotCount == 2)
    for round in 1...3 {
      for (_, peer) in connections { write(peer, pattern(100)) }
      #expect(
        bench.wait {
          connections.allSatisfy {
            bench.recorder.receivedBytes[$0.0.pointee.index]?.count == 100 * round
          }
        })
      #expect(bench.backend.state.multishotCount == 2)
    }
    let expected = pattern(100) + pattern(100) + pattern(100)
    for (connection, _) in connections {
      #expect(bench.recorder.receivedBytes[connection.pointee.index] == expected)
    }
  }

  @Test(
    "buffers that are too few are given out in turn, though a wait has no time for all that comes",
    arguments: [false, true])
  func scarceBuffers(direct: Bool) throws {
    let bench = try Bench(
      .init(
        receiveBufferCount: 16, receiveBufferByteCount: 64, deliveryNanosecondsMax: 100_000,
        usesDirectDescriptors: direct), capacity: 256)
    var peers: [UInt32: Int32] = [:]
    var counts: [UInt32: Int] = [:]
    for _ in 0..<200 {
      let (connection, peer) = try bench.connect()
      peers[connection.pointee.index] = peer
      counts[connection.pointee.index] = 0
    }
    bench.recorder.onReceived = { _, connection in
      counts[connection.pointee.index, default: 0] += 1
      // There is more to be received at any time.
      write(peers[connection.pointee.index]!, [1])
      usleep(20)
    }
    for peer in peers.values { write(peer, [1]) }
    #expect(bench.wait { counts.values.reduce(0, +) >= 4000 })
    #expect(counts.values.min()! >= 10)
    #expect(bench.backend.state.starvedBufferCount > 0)
  }

  @Test(
    "a connection that is paused while it waits for a scarce buffer still has a reset noticed",
    arguments: [false, true])
  func pausedWhileScarce(direct: Bool) throws {
    let bench = try Bench(
      .init(
        receiveBufferCount: 16, receiveBufferByteCount: 64, deliveryNanosecondsMax: 100_000,
        usesDirectDescriptors: direct), capacity: 256)
    var peers: [UInt32: Int32] = [:]
    for _ in 0..<100 {
      let (connection, peer) = try bench.connect()
      peers[connection.pointee.index] = peer
    }
    var count = 0
    var paused: [ConnectionPointer] = []
    bench.recorder.onReceived = { [unowned bench] _, connection in
      count += 1
      if count < 2000 { write(peers[connection.pointee.index]!, [1]) }
      usleep(20)
      // Some of the others, whatever they are waiting for.
      guard count % 100 == 0, count < 2000 else { return }
      let other = bench.slab.record(at: UInt32(count / 20))
      bench.backend.pauseReceiving(on: other)
      paused.append(other)
    }
    for peer in peers.values { write(peer, [1]) }
    #expect(
      bench.wait {
        count >= 2000
          && paused.allSatisfy { $0.pointee.receiveState.contains(.isPollingForError) }
      })
    for connection in paused {
      let peer = peers[connection.pointee.index]!
      var reset = linger(l_onoff: 1, l_linger: 0)
      setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
      bench.closePeer(peer)
      #expect(bench.wait { bench.recorder.receiveEnds[connection.pointee.index] != nil })
    }
  }

  @Test("after a pause no byte is lost or out of order")
  func pause() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    bench.recorder.onReceived = { [unowned bench] _, connection in
      bench.backend.pauseReceiving(on: connection)
    }
    write(peer, pattern(60_000))
    #expect(bench.wait { bench.recorder.receivedBytes[0] != nil })
    bench.wait(milliseconds: 20)
    bench.wait(milliseconds: 20)
    let received = bench.recorder.receivedBytes[0]?.count ?? 0
    write(peer, [1, 2, 3])
    bench.wait(milliseconds: 20)
    #expect(bench.recorder.receivedBytes[0]?.count == received, "nothing more is read")
    #expect(connection.pointee.receiveState.intersection(.armed) == .isPollingForError)
    // Again and again, as soon as something came.
    #expect(
      bench.wait {
        bench.backend.receive(on: connection)
        return bench.recorder.receivedBytes[0]?.count == 60_003
      })
    #expect(digest(bench.recorder.receivedBytes[0]) == digest(pattern(60_000) + [1, 2, 3]))
  }

  @Test("large messages change to the hot buffer and back, in order")
  func large() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    for round in 1...20 {
      write(peer, pattern(50_000))
      #expect(bench.wait { bench.recorder.receivedBytes[0]?.count == round * 50_000 })
    }
    #expect(connection.pointee.flags.contains(.sendsAtOnce))
    #expect(connection.pointee.receiveState == [.isWanted, .isPolling, .isLarge])
    #expect(bench.recorder.receivedSizes[0]!.max()! > 16_384)
    let large = Array(repeating: pattern(50_000), count: 20).flatMap(\.self)
    #expect(digest(bench.recorder.receivedBytes[0]) == digest(large))

    for round in 1...70 {
      write(peer, [UInt8(round)])
      #expect(bench.wait { bench.recorder.receivedBytes[0]?.count == large.count + round })
    }
    #expect(!connection.pointee.flags.contains(.sendsAtOnce))
    #expect(connection.pointee.receiveState == [.isWanted, .isMultishot])
    #expect(bench.recorder.receivedBytes[0]?.suffix(70) == (1...70).map { UInt8($0) }[...])
    shutdown(peer, Int32(SHUT_WR))
    #expect(bench.wait { bench.recorder.receiveEnds[0] == [0] })
  }

  @Test(
    "the end right behind a large message is seen, and so is one without it", arguments: [0, 9000])
  func largeEnd(lastByteCount: Int) throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    write(peer, pattern(100_000))
    #expect(bench.wait { connection.pointee.receiveState == [.isWanted, .isPolling, .isLarge] })
    write(peer, pattern(lastByteCount))
    shutdown(peer, Int32(SHUT_WR))
    #expect(bench.wait { bench.recorder.receiveEnds[0] == [0] })
    #expect(
      digest(bench.recorder.receivedBytes[0]) == digest(pattern(100_000) + pattern(lastByteCount)))
    bench.backend.close(connection, reset: false)
    #expect(bench.wait { bench.slab.count == 0 })
  }

  @Test("a pause between large messages loses none")
  func largePause() throws {
    let bench = try Bench(.init(hotBufferByteCount: 8192))
    let (connection, peer) = try bench.connect()
    write(peer, pattern(100_000))
    #expect(bench.wait { bench.recorder.receivedBytes[0]?.count == 100_000 })
    bench.recorder.onReceived = { [unowned bench] _, connection in
      bench.backend.pauseReceiving(on: connection)
    }
    write(peer, pattern(50_000))
    #expect(
      bench.wait {
        bench.wait()
        bench.backend.receive(on: connection)
        return bench.recorder.receivedBytes[0]?.count == 150_000
      })
    #expect(digest(bench.recorder.receivedBytes[0]) == digest(pattern(100_000) + pattern(50_000)))
  }

  @Test("a connection with large messages sends at once, and waits when there is no room")
  func largeSends() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect()
    write(peer, pattern(200_000))
    #expect(bench.wait { bench.recorder.receivedBytes[0]?.count == 200_000 })
    #expect(connection.pointee.flags.contains(.sendsAtOnce))
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 20, alignment: 1)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: pattern(bytes.count))
    guard case .handed(let first) = bench.send(bytes, on: connection) else {
      Issue.record("the send was not tried at once")
      return
    }
    #expect(first > 0 && first < bytes.count)
    var sent = first
    bench.recorder.onSent = { count, _ in sent += count }
    guard case .pending(0) = bench.send(.init(rebasing: bytes[first...]), on: connection) else {
      Issue.record("the rest does not wait")
      return
    }
    let reader = Reader(peer, count: bytes.count)
    #expect(bench.wait { sent == bytes.count })
    #expect(digest(reader.bytes()) == digest(pattern(bytes.count)))
  }

  @Test("a connection with large messages that is closed meanwhile reports so once")
  func largeClose() throws {
    let bench = try Bench()
    let (_, peer) = try bench.connect()
    write(peer, pattern(200_000))
    #expect(bench.wait { bench.recorder.receivedBytes[0]?.count == 200_000 })
    bench.recorder.onReceived = { [unowned bench] _, connection in
      bench.backend.close(connection, reset: true)
    }
    write(peer, pattern(10))
    #expect(bench.wait { bench.recorder.closedIndexes == [0] })
    bench.wait(milliseconds: 5)
    #expect(bench.recorder.closedIndexes == [0])
  }

  @Test("closing within a last completion reports it once", arguments: [0, 1])
  func closeWithinCompletion(multishotCountMax: Int) throws {
    let bench = try Bench(.init(multishotCountMax: multishotCountMax))
    let (_, peer) = try bench.connect()
    bench.recorder.onReceived = { [unowned bench] _, connection in
      bench.backend.close(connection, reset: false)
    }
    write(peer, [1])
    #expect(bench.wait { !bench.recorder.closedIndexes.isEmpty })
    bench.wait(milliseconds: 5)
    #expect(bench.recorder.closedIndexes == [0])
    #expect(bench.slab.count == 0)
  }

  @Test("within the coalescing window bytes gather, and a quiet server answers at once")
  func coalesce() throws {
    let bench = try Bench()
    let (_, peer) = try bench.connect()
    let bounds = WaitBounds(timeoutNanoseconds: 2_000_000_000, coalesceNanoseconds: 200_000_000)
    write(peer, [1])
    bench.backend.wait(bounds, deliverTo: bench.recorder)
    // The window since that wake has just begun.
    let start = ContinuousClock.now
    write(peer, [2])
    bench.backend.wait(bounds, deliverTo: bench.recorder)
    #expect(ContinuousClock.now - start > .milliseconds(150))
    #expect(ContinuousClock.now - start < .seconds(1))
    usleep(250_000)
    let later = ContinuousClock.now
    write(peer, [3])
    bench.backend.wait(bounds, deliverTo: bench.recorder)
    #expect(ContinuousClock.now - later < .milliseconds(100))
    #expect(bench.recorder.receivedBytes[0] == [1, 2, 3])
  }

  @Test("trimming memory loses no bytes that have come but were not taken")
  func trim() throws {
    let bench = try Bench()
    let (_, peer) = try bench.connect()
    for round in 1...5 {
      write(peer, pattern(3000))
      usleep(2000)
      bench.backend.ring.submitAndWait(timeoutNanoseconds: 0)
      bench.backend.trimMemory()
      bench.backend.trimMemory()
      #expect(bench.wait { bench.recorder.receivedBytes[0]?.count == 3000 * round })
    }
    #expect(
      digest(bench.recorder.receivedBytes[0]) == digest((0..<5).flatMap { _ in pattern(3000) }))
  }
}
