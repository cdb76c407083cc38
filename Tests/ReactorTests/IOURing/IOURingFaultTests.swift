import CURing
import Glibc
import Testing

@testable import Reactor

/// What the kernel can refuse, provoked.
@Suite("io_uring: faults", .serialized, .enabled(if: TestBackend.isIOURingPermitted))
struct IOURingFaultTests {
  @Test("connections that find no buffer starve for a while, and lose nothing")
  func starvation() throws {
    let bench = try Bench(.init(receiveBufferCount: 2, receiveBufferByteCount: 128))
    let connections = try (0..<20).map { _ in try bench.connect() }
    for (_, peer) in connections { write(peer, pattern(3000)) }
    #expect(
      bench.wait {
        connections.allSatisfy {
          bench.recorder.receivedBytes[$0.0.pointee.index]?.count == 3000
        }
      })
    for (connection, _) in connections {
      #expect(
        digest(bench.recorder.receivedBytes[connection.pointee.index]) == digest(pattern(3000)))
    }
    #expect(bench.backend.starvedBufferCount > 0)
  }

  @Test("completions beyond the queue's room are delivered all the same")
  func overflow() throws {
    let bench = try Bench(.init(submissionCount: 2, completionCount: 4))
    let connections = try (0..<40).map { _ in try bench.connect() }
    bench.wait()
    let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: 3, alignment: 1)
    defer { answer.deallocate() }
    answer.copyBytes(from: [1, 2, 3])
    var overflows = 0
    bench.recorder.onReceived = { [unowned bench] _, connection in
      if bench.backend.ring.hasOverflowed { overflows += 1 }
      _ = bench.send(answer, on: connection)
    }
    for (_, peer) in connections { write(peer, [7]) }
    #expect(bench.wait { bench.recorder.sentCounts.count == 40 })
    for (connection, peer) in connections {
      #expect(bench.recorder.receivedBytes[connection.pointee.index] == [7])
      #expect(bench.recorder.sentCounts[connection.pointee.index] == [3])
      #expect(readAll(peer, count: 3) == [1, 2, 3])
    }
    #expect(overflows > 0)
  }

  @Test(
    "failed sends whose completions find no room in the queue are not taken for successes",
    arguments: [0, 200_000])
  func overflowOfFailures(coalesceNanoseconds: Int64) throws {
    let bench = try Bench(.init(submissionCount: 2, completionCount: 4))
    let connections = try (0..<20).map { _ in try bench.connect(receives: false) }
    for (_, peer) in connections {
      var reset = linger(l_onoff: 1, l_linger: 0)
      setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
      bench.closePeer(peer)
    }
    for (connection, _) in connections {
      #expect(bench.wait { isReset(connection.pointee.descriptor) })
    }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
    defer { bytes.deallocate() }
    for (connection, _) in connections { _ = bench.send(bytes, on: connection) }
    let hasOverflowed = bench.backend.ring.hasOverflowed
    #expect(hasOverflowed)
    let start = ContinuousClock.now
    while !connections.allSatisfy({ $0.0.pointee.backendOperationCount == 0 }),
      ContinuousClock.now - start < .seconds(5)
    {
      bench.backend.wait(
        WaitBounds(timeoutNanoseconds: 10_000_000, coalesceNanoseconds: coalesceNanoseconds),
        deliverTo: bench.recorder)
    }
    #expect(bench.recorder.sendErrors.count == 20)
    #expect(bench.recorder.sentCounts.isEmpty)
  }

  @Test("failed sends whose completions come while others are taken are not taken for successes")
  func failuresMeanwhile() throws {
    let bench = try Bench(.init(submissionCount: 2, completionCount: 256))
    let connections = try (0..<20).map { _ in try bench.connect(receives: false) }
    for (_, peer) in connections {
      Socket(peer).resetAtClose()
      bench.closePeer(peer)
    }
    for (connection, _) in connections {
      #expect(bench.wait { isReset(connection.pointee.descriptor) })
    }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
    defer { bytes.deallocate() }
    var readyCount = 0
    // The short queue has them submitted at once: they fail in the middle of a wait.
    bench.recorder.onReceived = { [unowned bench] _, _ in
      for (connection, _) in connections { _ = bench.send(bytes, on: connection) }
      readyCount = bench.backend.ring.readyCount
    }
    let (_, talker) = try bench.connect()
    write(talker, [1])
    #expect(bench.wait { bench.recorder.sendErrors.count == 20 })
    #expect(readyCount > 0 && !bench.backend.ring.hasOverflowed)
    #expect(bench.recorder.sentCounts.isEmpty)
  }

  @Test(
    "a send that finds no room is short once, and the rest waits for room",
    arguments: [true, false])
  func shortSend(sendsInline: Bool) throws {
    var configuration = IOURingConfiguration()
    configuration.capabilities = IOURingCapabilities(sendsInline: sendsInline)
    let bench = try Bench(configuration)
    let (connection, peer) = try bench.connect()
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 20, alignment: 1)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: pattern(bytes.count))
    var sent = 0
    bench.recorder.onSent = { [unowned bench] count, connection in
      sent += count
      guard sent < bytes.count else { return }
      _ = bench.send(.init(rebasing: bytes[sent...]), on: connection)
    }
    _ = bench.send(bytes, on: connection)
    bench.wait(milliseconds: 20)
    if sendsInline { #expect(sent > 0 && sent < bytes.count, "the kernel had no room for all") }
    bench.wait(milliseconds: 20)
    #expect(sent < bytes.count)
    let reader = Reader(peer, count: bytes.count)
    #expect(bench.wait { sent == bytes.count })
    #expect(digest(reader.bytes()) == digest(pattern(bytes.count)))
    if sendsInline { #expect(bench.recorder.sentCounts[connection.pointee.index]?.count == 2) }
    // After that a send is tried at once again.
    sent = bytes.count - 10
    _ = bench.send(.init(rebasing: bytes[sent...]), on: connection)
    bench.wait()
    #expect(sent == bytes.count)
  }

  @Test("a send to a peer that has gone fails, without a signal")
  func brokenSend() throws {
    let bench = try Bench()
    let (connection, peer) = try bench.connect(receives: false)
    bench.closePeer(peer)
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
    defer { bytes.deallocate() }
    #expect(
      bench.wait {
        if bench.recorder.sendErrors.isEmpty, !connection.pointee.sendState.contains(.isWaiting),
          connection.pointee.backendOperationCount == 0
        {
          _ = bench.send(bytes, on: connection)
        }
        return !bench.recorder.sendErrors.isEmpty
      })
    #expect([EPIPE, ECONNRESET].contains(bench.recorder.sendErrors[0]?.first))
  }

  @Test("without descriptors clients wait in the backlog, and are accepted later")
  func descriptorsUsedUp() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        let bench = try Bench()
        let listener = TCPListener()
        bench.backend.accept(on: listener.descriptor, index: 0)
        let clients = (0..<3).map { _ in listener.connect() }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let open = clients.max()! + 1
        var low = limit
        low.rlim_cur = rlim_t(open)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &low)
        guard bench.wait(until: { !bench.recorder.acceptErrors.isEmpty }),
          bench.recorder.acceptErrors == [EMFILE]
        else { exit(1) }
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        bench.backend.accept(on: listener.descriptor, index: 0)
        exit(bench.wait { bench.recorder.acceptedDescriptors.count == 3 } ? 0 : 2)
      }
    }
  }

  @Test("with little memory to lock the queues are smaller; with none it says what to do")
  func memoryRefused() async {
    await #expect(processExitsWith: .success) {
      guard setuid(65_534) == 0 else { exit(0) }
      func allow(_ byteCount: UInt) {
        var limit = rlimit(rlim_cur: byteCount, rlim_max: byteCount)
        setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
      }
      allow(300 << 10)
      let small = try Ring(
        submissionCount: 1024, completionCount: 16 * 1024, usesDirectDescriptors: false)
      guard small.completionCount < 16 * 1024 else { exit(1) }
      allow(0)
      do throws(SystemError) {
        _ = try SelfTest.capabilities()
        exit(2)
      } catch {
        guard error.code == ENOMEM, error.advice?.contains("RLIMIT_MEMLOCK") == true else {
          exit(3)
        }
      }
      guard try BackendChoice.automatic.decide(override: nil).kind == .epoll else { exit(4) }
      exit(0)
    }
  }

  @Test("where a sandbox forbids io_uring, automatic means epoll, and io_uring an error")
  func forbidden() async {
    await #expect(processExitsWith: .success) {
      forbidIOURing()
      let decision = try BackendChoice.automatic.decide(override: nil)
      guard decision.kind == .epoll, decision.reason.contains("seccomp") else { exit(1) }
      do throws(SystemError) {
        _ = try BackendChoice.ioURing.decide(override: nil)
        exit(2)
      } catch {
        exit(error.code == EPERM && error.advice != nil ? 0 : 3)
      }
    }
  }
}

/// Whether a peer's RST has arrived: it may take its time where the machine is busy.
private func isReset(_ descriptor: Int32) -> Bool {
  var info = tcp_info()
  var byteCount = socklen_t(MemoryLayout<tcp_info>.size)
  let result = getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &byteCount)
  return result == 0 && info.tcpi_state == UInt8(TCP_CLOSE)
}
