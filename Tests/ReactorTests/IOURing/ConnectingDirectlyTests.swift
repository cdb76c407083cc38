import CURing
import Glibc
import Testing

@testable import Reactor

@Suite(
  "io_uring: connecting with direct descriptors", .serialized,
  .enabled(if: TestBackend.isIOURingPermitted))
struct ConnectingDirectlyTests {
  private func run(_ body: (TestReactor) throws -> Void) throws {
    let reactor = try TestReactor(capacity: 16) { eventDescriptor, slab in
      try IOURingBackend(
        configuration: IOURingConfiguration(usesDirectDescriptors: true),
        eventDescriptor: eventDescriptor, slab: slab)
    }
    defer { reactor.finish() }
    try body(reactor)
  }

  @Test("what has connected costs the process no descriptor any more, and works")
  func connect() throws {
    try run { reactor in
      let listener = try Listener.open(.loopback(port: 0))
      defer { listener.close() }
      for _ in 0..<40 {
        let connection = try reactor.begin(listener.address)
        let own = try Socket(connection.pointee.descriptor).localAddress()
        let descriptor = connection.pointee.descriptor
        let peer = try TestSocket.accept(listener)
        reactor.run(until: { reactor.recorder.trace(connection).connected == [0] })
        #expect(connection.pointee.descriptor == Int32(connection.pointee.index))
        #expect((try? Socket(descriptor).localAddress()) != own)
        reactor.backend.receive(on: connection)
        peer.write("in")
        reactor.run(until: { reactor.recorder.trace(connection).bytes == Array("in".utf8) })
        reactor.send(Array("out".utf8), on: connection)
        var received: [UInt8] = []
        reactor.run(until: { received.count == 3 }, client: { received += peer.readSome() ?? [] })
        reactor.close(connection)
        reactor.run(until: { reactor.openCount == 0 })
        #expect(peer.readEnd() == 0)
        peer.close()
      }
    }
  }

  @Test(
    "one that is closed while it connects leaves its place to others", arguments: [false, true])
  func closeWhileConnecting(isReset: Bool) throws {
    try run { reactor in
      let full = try FullListener()
      defer { full.close() }
      for _ in 0..<5 {
        let connections = try (0..<16).map { _ in try reactor.begin(full.address) }
        let descriptors = connections.map(\.pointee.descriptor)
        reactor.settle()
        for connection in connections { reactor.close(connection, reset: isReset) }
        reactor.run(until: { reactor.openCount == 0 })
        #expect(descriptors.allSatisfy { !full.isConnecting($0) })
      }
      let refused = try reactor.begin(.loopback(port: 1))
      reactor.run(until: { reactor.recorder.trace(refused).connected == [ECONNREFUSED] })
      reactor.close(refused, reset: isReset)
      reactor.run(until: { reactor.openCount == 0 })
    }
  }
}
