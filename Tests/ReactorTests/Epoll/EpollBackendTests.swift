import Glibc
import Testing

@testable import Reactor

@Suite("The epoll backend")
struct EpollBackendTests {
  private func run(
    _ configuration: EpollConfiguration = EpollConfiguration(),
    _ body: (TestReactor, EpollBackend) throws -> Void
  ) throws {
    var made: EpollBackend?
    let reactor = try TestReactor(capacity: 512) { eventDescriptor, slab in
      let backend = try EpollBackend(
        configuration: configuration, eventDescriptor: eventDescriptor, slab: slab)
      made = backend
      return backend
    }
    defer { reactor.finish() }
    try body(reactor, try #require(made))
  }

  @Test("an echoed message costs two system calls, and the wait is shared by all")
  func systemCalls() throws {
    var configuration = EpollConfiguration()
    configuration.deliveryNanosecondsMax = .max
    try run(configuration) { reactor, backend in
      let pairs = try (0..<100).map { _ in try reactor.connect() }
      reactor.settle()
      reactor.recorder.onReceived = { connection in reactor.send([1, 2, 3], on: connection) }
      for _ in 0..<10 {
        for (_, client) in pairs { client.write("abc") }
        let before = backend.systemCallCount
        let reportCount = reactor.recorder.reportCount
        reactor.wait()
        #expect(reactor.recorder.reportCount - reportCount == 100)
        #expect(backend.systemCallCount - before == 201)
        for (_, client) in pairs { #expect(client.readSome() == [1, 2, 3]) }
      }
      for (_, client) in pairs { client.close() }
    }
  }

  @Test("a connection asks that its sends are tried at once")
  func sendsAtOnce() throws {
    try run { reactor, _ in
      let (connection, client) = try reactor.connect()
      #expect(connection.pointee.flags.contains(.sendsAtOnce))
      client.close()
    }
  }

  @Test(
    "a connection that has used its budget waits for its next turn, which comes without a signal")
  func budget() throws {
    var configuration = EpollConfiguration()
    configuration.receiveBufferByteCount = 4096
    configuration.receiveBudgetByteCount = 8192
    try run(configuration) { reactor, backend in
      // All of it is in the sockets before the first turn: no signal comes in between.
      let (one, oneClient) = try reactor.connect(.unix)
      let (other, otherClient) = try reactor.connect(.unix)
      reactor.settle()
      let bytes = patternedBytes(60_000)
      #expect(oneClient.writeSome(bytes[...]) == bytes.count)
      #expect(otherClient.writeSome(bytes[...]) == bytes.count)
      var turn = 0
      while reactor.recorder.trace(other).bytes.count < bytes.count {
        turn += 1
        // Without limit: whoever has bytes to be read must not be forgotten.
        backend.wait(WaitBounds(timeoutNanoseconds: -1), deliverTo: reactor.recorder)
        for connection in [one, other] {
          #expect(reactor.recorder.trace(connection).bytes.count <= turn * 8192)
        }
      }
      reactor.run(until: { reactor.recorder.trace(one).bytes.count == bytes.count })
      #expect(reactor.recorder.trace(one).bytes == bytes)
      #expect(reactor.recorder.trace(other).bytes == bytes)
      oneClient.close()
      otherClient.close()
    }
  }

  @Test("whom a wait has no time for has his turn in the next ones, in the order of their signals")
  func noTime() throws {
    var configuration = EpollConfiguration()
    configuration.deliveryNanosecondsMax = 0
    configuration.backlogNanosecondsMin = 0
    try run(configuration) { reactor, backend in
      let pairs = try (0..<10).map { _ in try reactor.connect(.unix) }
      reactor.settle()
      for (_, client) in pairs { client.write("x") }
      for count in 1...10 {
        // Without limit: none of them is signalled again.
        backend.wait(WaitBounds(timeoutNanoseconds: -1), deliverTo: reactor.recorder)
        let served = pairs.map { !reactor.recorder.trace($0.connection).bytes.isEmpty }
        #expect(served.count { $0 } == count)
        #expect(served.prefix(count).allSatisfy { $0 })
      }
      for (_, client) in pairs { client.close() }
    }
  }

  @Test("fresh bytes come before those of whom has had his turn, who still has one in each wait")
  func freshFirst() throws {
    var configuration = EpollConfiguration()
    configuration.receiveBufferByteCount = 1000
    configuration.receiveBudgetByteCount = 1000
    configuration.deliveryNanosecondsMax = 0
    configuration.backlogNanosecondsMin = 0
    try run(configuration) { reactor, _ in
      let greedy = try (0..<5).map { _ in try reactor.connect(.unix) }
      let (fresh, client) = try reactor.connect(.unix)
      reactor.settle()
      for (_, client) in greedy { client.write(String(repeating: "g", count: 50_000)) }
      for _ in 0..<10 { reactor.wait(milliseconds: 0) }
      let first = greedy.map { reactor.recorder.trace($0.connection).bytes.count }
      for round in 1...10 {
        let before = greedy.map { reactor.recorder.trace($0.connection).bytes.count }.reduce(0, +)
        client.write("f")
        reactor.wait(milliseconds: 0)
        #expect(reactor.recorder.trace(fresh).bytes.count == round)
        let after = greedy.map { reactor.recorder.trace($0.connection).bytes.count }.reduce(0, +)
        #expect(after - before == 1000)
      }
      // One after the other.
      let counts = greedy.map { reactor.recorder.trace($0.connection).bytes.count }
      #expect(zip(counts, first).allSatisfy { $0 - $1 == 2000 })
      client.close()
      for (_, client) in greedy { client.close() }
    }
  }

  @Test("accepting takes its turns too")
  func acceptBudget() throws {
    var configuration = EpollConfiguration()
    configuration.acceptBudgetCount = 3
    configuration.deliveryNanosecondsMax = .max
    try run(configuration) { reactor, _ in
      let listener = try reactor.listen()
      reactor.recorder.onAccepted = { _ = try? reactor.adopt($0) }
      let clients = try (0..<10).map { _ in try TestSocket.connect(listener.address) }
      for turn in 1...3 {
        reactor.wait()
        #expect(reactor.recorder.accepted.count == 3 * turn)
      }
      reactor.run(until: { reactor.recorder.accepted.count == 10 })
      for client in clients { client.close() }
    }
  }

  @Test("more events than are taken at once all arrive")
  func manyEvents() throws {
    var configuration = EpollConfiguration()
    configuration.eventCount = 4
    try run(configuration) { reactor, _ in
      let pairs = try (0..<50).map { _ in try reactor.connect() }
      for (_, client) in pairs { client.write("x") }
      reactor.run(until: {
        pairs.allSatisfy { reactor.recorder.trace($0.connection).bytes.count == 1 }
      })
      for (_, client) in pairs { client.close() }
    }
  }

  @Test(
    "events of a closed connection whose socket lives on in another process do not reach the next")
  func inheritedSocket() throws {
    try run { reactor, backend in
      let (old, oldClient) = try reactor.connect()
      // As a child started without closing it would have.
      let twin = Socket(dup(old.pointee.descriptor))
      reactor.close(old)
      reactor.run(until: { reactor.openCount == 0 })
      // The slab uses a slot again after all the others that were free before it.
      var pairs: [(connection: ConnectionPointer, client: Socket)] = []
      repeat { pairs.append(try reactor.connect()) } while pairs.last?.connection != old
      reactor.settle()
      oldClient.write("for nobody")
      let before = backend.systemCallCount
      reactor.wait(milliseconds: 20)
      // The wait alone: nothing was tried on the new connection.
      #expect(backend.systemCallCount - before == 1)
      #expect(reactor.recorder.trace(old).bytes.isEmpty)
      twin.close()
      oldClient.close()
      for (_, client) in pairs { client.close() }
    }
  }

  @Test("receive memory that is no longer used is given back, once")
  func trim() throws {
    try run { reactor, backend in
      let (connection, client) = try reactor.connect()
      var written = 0
      let bytes = patternedBytes(1 << 20)
      reactor.run(
        until: { reactor.recorder.trace(connection).bytes.count == bytes.count },
        client: { written += client.writeSome(bytes[written...]) })
      var holdsMemory: [Bool] = []
      let systemCallCounts = (0..<4).map { _ in
        holdsMemory.append(backend.trimMemory())
        return backend.systemCallCount
      }
      #expect(holdsMemory == [true, false, false, false])
      // Used lately; unused since; nothing left.
      #expect(systemCallCounts[1] == systemCallCounts[0] + 1)
      #expect(systemCallCounts[3] == systemCallCounts[1])
      client.close()
    }
  }

  @Test("bytes that the receiver is looking at are not given back")
  func trimWithin() throws {
    try run { reactor, backend in
      let receiver = TrimmingReceiver(backend)
      let (connection, client) = try reactor.connect()
      client.write("looked at")
      while receiver.text.isEmpty {
        backend.wait(WaitBounds(timeoutNanoseconds: 1_000_000), deliverTo: receiver)
      }
      #expect(receiver.text == "looked at")
      #expect(connection.pointee.lifecycle == .open)
      client.close()
    }
  }
}

/// Trims again and again while it has received bytes.
private final class TrimmingReceiver: CompletionReceiver {
  private let backend: EpollBackend
  private(set) var text = ""

  init(_ backend: EpollBackend) {
    self.backend = backend
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
    for _ in 0..<3 { backend.trimMemory() }
    text += String(decoding: bytes, as: UTF8.self)
  }

  func accepted(_ descriptor: Int32, listener: Int) {}
  func acceptFailed(_ code: Int32, listener: Int) {}
  func connected(_ code: Int32, on connection: ConnectionPointer) {}
  func receiveEnded(_ code: Int32, on connection: ConnectionPointer) {}
  func examined(_ bytes: SocketBytes, on connection: ConnectionPointer) {}
  func sent(_ byteCount: Int, on connection: ConnectionPointer) {}
  func sendFailed(_ code: Int32, on connection: ConnectionPointer) {}
  func closed(_ connection: ConnectionPointer) {}
}
