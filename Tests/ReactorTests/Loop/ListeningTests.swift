import Glibc
import Testing

@testable import Reactor

@Suite("A line server listens", .serialized)
struct ListeningTests {
  @Test("over IPv4, IPv6, both at once and Unix sockets", arguments: TestBackend.kinds)
  func families(kind: BackendKind) throws {
    let path = TestSocket.path("lines-\(kind)")
    let server = try LineServer(
      kind,
      on: [
        .loopback(port: 0), .ipv6(1, port: 0), .any(port: 0), .unixPath(path),
        .unixAbstract("martlet-\(getpid())-\(kind)"),
      ])
    let addresses = server.group.addresses
    for position in 0..<3 { #expect(addresses[position].port != 0) }
    #expect(Set(addresses).count == 5)
    for position in addresses.indices {
      let client = try server.connect(position)
      #expect(client.ask("hello") == "hello", "on \(addresses[position])")
    }
    let dual = try #require(addresses[2].port)
    for address in [SocketAddress.loopback(port: dual), .ipv6(1, port: dual)] {
      let client = try LineClient(address)
      let id = try server.id(of: client)
      #expect(id.localAddress == address, "an IPv4 client sees IPv4")
      #expect(id.peerAddress == client.localAddress)
    }
    server.stop()
    #expect(access(path, F_OK) == -1, "the socket's file is gone")
  }

  @Test(
    "with a listener for each reactor, which the kernel spreads clients over",
    arguments: TestBackend.kinds)
  func perReactor(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let clients = try (0..<64).map { _ in try server.connect() }
    for client in clients { #expect(client.ask("x") == "x") }
    let counts = server.journal.acceptedBy.withLock { $0 }
    #expect(counts.count == 2, "2^-63 of all runs may fail")
    server.stop()
  }

  @Test(
    "with one acceptor, which gives each client to who has the fewest, even to within one",
    arguments: TestBackend.kinds)
  func fewest(kind: BackendKind) throws {
    let server = try LineServer(kind) {
      $0.reactorCount = 3
      $0.distribution = .fewestConnections
    }
    var clients: [LineClient] = []
    for count in 1...20 {
      clients.append(try server.connect())
      #expect(clients[count - 1].ask("x") == "x")
      #expect(spread(server) <= 1, "after \(count)")
    }
    // Whoever has lost some gets the next ones.
    let lost = try server.id(of: clients[0]).reactor
    let others = try clients.filter { try server.id(of: $0).reactor != lost }
    let leaving = try clients.filter { try server.id(of: $0).reactor == lost }
    for client in leaving { client.close() }
    #expect(server.wait { server.total.connectionCount == UInt64(others.count) })
    for _ in leaving {
      let client = try server.connect()
      #expect(try server.id(of: client).reactor == lost)
      clients.append(client)
    }
    #expect(spread(server) <= 1)
    server.stop()
  }

  @Test(
    "and refuses clients as soon as it stops, though some it has take their time",
    arguments: TestBackend.kinds)
  func refusing(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.stopMilliseconds = 3000 }
    let client = try server.connect()
    client.tell("keep")
    #expect(client.ask("x") == "x")
    server.group.stop()
    #expect(server.wait { (try? server.connect()) == nil })
    #expect(client.ask("still here") == "still here")
    client.close()
    server.stop()
  }

  @Test("and closes those at once that it has no room for", arguments: TestBackend.kinds)
  func full(kind: BackendKind) throws {
    let server = try LineServer(kind) {
      $0.reactorCount = 1
      $0.connectionCountMax = 2
    }
    let first = try server.connect()
    let second = try server.connect()
    #expect(first.ask("1") == "1" && second.ask("2") == "2")
    let third = try server.connect()
    #expect(third.readToEnd() == .finished)
    #expect(server.wait { server.total.refusedCount == 1 })
    first.close()
    #expect(server.wait { server.total.connectionCount == 1 })
    #expect(try server.connect().ask("3") == "3")
    server.stop()
  }

  private func spread(_ server: LineServer) -> UInt64 {
    let counts = server.group.statistics.map(\.connectionCount)
    return (counts.max() ?? 0) - (counts.min() ?? 0)
  }
}
