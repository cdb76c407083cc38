import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite("A port", .serialized)
struct PortTests {
  @Test(
    "is one server's, with one reactor as with several, and the second is told what to do",
    arguments: [1, 2], [false, true])
  func taken(reactorCount: Int, isHandedOver: Bool) throws {
    func start(_ addresses: [SocketAddress] = [.loopback(port: 0)]) throws -> LineServer {
      try LineServer(.epoll, on: addresses) {
        $0.reactorCount = reactorCount
        if isHandedOver { $0.distribution = .fewestConnections }
      }
    }
    let server = try start()
    let port = try #require(server.group.addresses[0].port)
    for address in [SocketAddress.loopback(port: port), .ipv4(0, port: port), .any(port: port)] {
      let error = #expect(throws: SystemError.self) { try start([address]) }
      #expect(error?.code == EADDRINUSE && error?.advice != nil)
    }
    for _ in 0..<8 { #expect(try server.connect().ask("x") == "x") }
    server.stop()
  }

  @Test("is one process's")
  func otherProcess() async {
    await #expect(processExitsWith: .success) {
      let server = try LineServer(.epoll)
      let addresses = server.group.addresses
      try inForkedProcess {
        let error = #expect(throws: SystemError.self) { try LineServer(.epoll, on: addresses) }
        #expect(error?.code == EADDRINUSE)
      }
    }
  }

  @Test("is never had by two that start at the same time")
  func race() throws {
    for _ in 0..<20 {
      let address = try Listener.open(.loopback(port: 0))
      address.close()
      let servers = ConditionLock<[LineServer]>([])
      let isGo = Atomic<Bool>(false)
      let threads = try (0..<2).map { _ in
        try Thread.start(name: "starter") {
          while !isGo.load(ordering: .acquiring) {}
          guard let server = try? LineServer(.epoll, on: [address.address]) else { return }
          servers.withLock { $0.append(server) }
        }
      }
      isGo.store(true, ordering: .releasing)
      for thread in threads { thread.join() }
      let started = servers.withLock { $0 }
      #expect(started.count <= 1)
      for server in started { server.stop() }
    }
  }

  @Test("is shared by servers that all ask for it")
  func shared() throws {
    var options = ListenerOptions()
    options.isPortShared = true
    let first = try LineServer(.epoll, options: options)
    let second = try LineServer(.epoll, on: first.group.addresses, options: options)
    var clients: [LineClient] = []
    while first.total.acceptedCount == 0 || second.total.acceptedCount == 0, clients.count < 64 {
      clients.append(try first.connect())
      #expect(clients[clients.count - 1].ask("x") == "x")
    }
    #expect(clients.count < 64, "2^-63 of all runs may fail")
    first.stop()
    second.stop()
  }

  @Test("is free again at once, though connections of the server before are not gone")
  func restart() throws {
    var address = SocketAddress.loopback(port: 0)
    var clients: [LineClient] = []
    for _ in 0..<3 {
      let server = try LineServer(.epoll, on: [address]) { $0.stopMilliseconds = 0 }
      address = server.group.addresses[0]
      for _ in 0..<4 { clients.append(try server.connect()) }
      #expect(clients[clients.count - 1].ask("x") == "x")
      // The server closes first: its side is the one that has to wait.
      for client in clients { client.tell("close") }
      server.stop()
    }
  }
}
