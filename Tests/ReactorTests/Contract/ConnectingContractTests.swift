import CURing
import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("Contract of backends: connecting", .serialized)
struct ConnectingContractTests {
  /// Where to connect to.
  enum Family: CaseIterable {
    case ipv4, ipv6, unix

    func address(_ kind: ContractBackend) -> SocketAddress {
      switch self {
      case .ipv4: .loopback(port: 0)
      case .ipv6: .ipv6(1, port: 0)
      case .unix: .unixAbstract("martlet-\(getpid())-\(kind)-connect")
      }
    }
  }

  @Test(
    "connected is told once, from a later wait; then it is as one that was adopted",
    arguments: ContractBackend.tested, Family.allCases)
  func connect(kind: ContractBackend, family: Family) throws {
    try TestReactor.run(kind) { reactor in
      let listener = try Listener.open(family.address(kind))
      defer { listener.close() }
      let connection = try reactor.begin(listener.address)
      #expect(reactor.recorder.trace(connection).connected == [])
      let peer = try TestSocket.accept(listener)
      // These are there before it has been told.
      peer.write("early")
      reactor.run(until: { reactor.recorder.trace(connection).connected == [0] })
      reactor.settle()
      #expect(reactor.recorder.trace(connection).bytes.isEmpty)
      reactor.backend.receive(on: connection)
      reactor.run(until: { reactor.recorder.trace(connection).bytes == Array("early".utf8) })
      reactor.send(patternedBytes(3 << 20), on: connection)
      var received: [UInt8] = []
      reactor.run(
        until: { received.count == 3 << 20 }, client: { received += peer.readSome() ?? [] })
      #expect(received == patternedBytes(3 << 20))
      peer.write(" late")
      peer.shutdownSending()
      reactor.run(until: { reactor.recorder.trace(connection).ends == [0] })
      #expect(reactor.recorder.trace(connection).bytes == Array("early late".utf8))
      #expect(reactor.recorder.trace(connection).connected == [0])
      reactor.close(connection)
      reactor.run(until: { reactor.openCount == 0 })
      reactor.run(until: { peer.readEnd() != nil })
      peer.close()
    }
  }

  @Test(
    "a socket that is connected already is told so too",
    arguments: ContractBackend.tested, Transport.allCases)
  func connectedAlready(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (near, far) = try transport.makePair()
      far.write("before")
      let connection = try reactor.begin(near)
      reactor.run(until: { reactor.recorder.trace(connection).connected == [0] })
      reactor.backend.receive(on: connection)
      reactor.run(until: { reactor.recorder.trace(connection).bytes == Array("before".utf8) })
      far.closeWithReset()
      reactor.run(until: { reactor.recorder.trace(connection).ends.count == 1 })
      if transport == .tcp { #expect(reactor.recorder.trace(connection).ends == [ECONNRESET]) }
    }
  }

  @Test(
    "a refused connection is told with its code, and is then closed",
    arguments: ContractBackend.tested)
  func refused(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      for address in [SocketAddress.loopback(port: 0), .ipv6(1, port: 0)] {
        let listener = try Listener.open(address)
        let target = listener.address
        listener.close()
        let connection = try reactor.begin(target)
        #expect(reactor.recorder.trace(connection).connected == [])
        reactor.run(until: { reactor.recorder.trace(connection).connected == [ECONNREFUSED] })
        reactor.settle()
        #expect(reactor.recorder.trace(connection).connected == [ECONNREFUSED])
        let key = ContractRecorder.key(connection)
        reactor.close(connection)
        reactor.run(until: { reactor.recorder.trace(key: key).closedCount == 1 })
      }
    }
  }

  @Test(
    "one that is closed while it connects is reported closed, and nothing else",
    arguments: ContractBackend.tested, [false, true])
  func closeWhileConnecting(kind: ContractBackend, isReset: Bool) throws {
    try TestReactor.run(kind) { reactor in
      let full = try FullListener()
      defer { full.close() }
      for isSettled in [true, false] {
        let connections = try (0..<50).map { _ in try reactor.begin(full.address) }
        let descriptors = connections.map(\.pointee.descriptor)
        if isSettled { reactor.settle() }
        let keys = connections.map { ContractRecorder.key($0) }
        #expect(keys.allSatisfy { reactor.recorder.trace(key: $0).connected.isEmpty })
        for connection in connections { reactor.close(connection, reset: isReset) }
        #expect(keys.allSatisfy { reactor.recorder.trace(key: $0).closedCount == 0 })
        reactor.run(until: { reactor.openCount == 0 })
        reactor.settle()
        #expect(keys.allSatisfy { reactor.recorder.trace(key: $0).closedCount == 1 })
        #expect(keys.allSatisfy { reactor.recorder.trace(key: $0).connected.isEmpty })
        // Others may have been given the numbers since, but not for this.
        #expect(descriptors.allSatisfy { !full.isConnecting($0) })
      }
    }
  }

  @Test(
    "one that is closed when it has connected and is not told yet is not told",
    arguments: ContractBackend.tested, [false, true])
  func closeBeforeTold(kind: ContractBackend, isReset: Bool) throws {
    try TestReactor.run(kind) { reactor in
      let listener = try Listener.open(.loopback(port: 0))
      defer { listener.close() }
      let connection = try reactor.begin(listener.address)
      let peer = try TestSocket.accept(listener)
      peer.write("unread")
      let key = ContractRecorder.key(connection)
      reactor.close(connection, reset: isReset)
      reactor.run(until: { reactor.openCount == 0 })
      reactor.settle()
      #expect(reactor.recorder.trace(key: key).connected == [])
      #expect(reactor.recorder.trace(key: key).bytes == [])
      reactor.run(until: { peer.readEnd() != nil })
      peer.close()
    }
  }

  @Test("closing from within connected is as at any other time", arguments: ContractBackend.tested)
  func closeWithin(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let listener = try Listener.open(.loopback(port: 0))
      defer { listener.close() }
      reactor.recorder.onConnected = { reactor.close($0) }
      let refusing = try Listener.open(.loopback(port: 0))
      refusing.close()
      for _ in 0..<100 {
        try reactor.begin(listener.address)
        try reactor.begin(refusing.address)
      }
      reactor.run(until: { reactor.openCount == 0 })
      #expect(reactor.recorder.traces.values.allSatisfy { $0.connected.count == 1 })
      reactor.recorder.onConnected = nil
    }
  }

  @Test(
    "many at once are all told, those whose peer has gone at once too",
    arguments: ContractBackend.tested
  )
  func many(kind: ContractBackend) throws {
    // A simulated kernel has none now and then for who has connected.
    func hasNoMemory(_ trace: ContractRecorder.Trace) -> Bool {
      kind == .simulated && trace.connected == [ENOMEM]
    }
    try TestReactor.run(kind) { reactor in
      let listener = try Listener.open(.loopback(port: 0))
      defer { listener.close() }
      reactor.recorder.onConnected = { connection in
        guard reactor.recorder.trace(connection).connected == [0] else { return }
        reactor.backend.receive(on: connection)
      }
      var connections: [ConnectionPointer] = []
      for number in 0..<1000 {
        connections.append(try reactor.begin(listener.address))
        let peer = try TestSocket.accept(listener)
        if number % 3 == 1 { peer.write("bye") }
        if number % 5 == 4 { peer.closeWithReset() } else { peer.close() }
        if number % 100 == 0 { reactor.wait() }
      }
      reactor.run(until: {
        connections.allSatisfy {
          let trace = reactor.recorder.trace($0)
          // One that was reset before it was told may have been told of that.
          return trace.connected == [ECONNRESET] || trace.connected == [0] && trace.ends.count == 1
            || hasNoMemory(trace)
        }
      })
      for (number, connection) in connections.enumerated() where number % 5 != 4 {
        let trace = reactor.recorder.trace(connection)
        if hasNoMemory(trace) { continue }
        #expect(trace.connected == [0])
        #expect(trace.ends == [0])
        #expect(trace.bytes == (number % 3 == 1 ? Array("bye".utf8) : []))
      }
      reactor.recorder.onConnected = nil
    }
  }

  @Test("a backend may be torn down while some are connecting", arguments: ContractBackend.tested)
  func tearDown(kind: ContractBackend) throws {
    try kind.run {
      let full = try FullListener()
      defer { full.close() }
      let reactor = try TestReactor(capacity: 64) { eventDescriptor, slab in
        try kind.make(eventDescriptor: eventDescriptor, slab: slab)
      }
      let connections = try (0..<20).map { _ in try reactor.begin(full.address) }
      reactor.settle()
      reactor.backend.tearDown()
      #expect(connections.allSatisfy { reactor.recorder.trace($0).connected.isEmpty })
      for connection in connections { Socket(connection.pointee.descriptor).close() }
      Socket(reactor.eventDescriptor).close()
    }
  }
}
