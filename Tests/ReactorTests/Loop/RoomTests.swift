import CURing
import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite("A line server with little room", .serialized)
struct RoomTests {
  @Test(
    "gives a connection to another reactor when the one that accepted it is full",
    arguments: BackendKind.allCases)
  func overflow(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.connectionCountMax = 16 }
    // However the kernel spreads them: that each reactor accepts 16 of 32 is unlikely.
    let clients = try (0..<32).map { _ in try server.connect() }
    for client in clients { #expect(client.ask("hello") == "hello") }
    #expect(server.group.statistics.map(\.connectionCount) == [16, 16])
    #expect(server.total.refusedCount == 0)
    let another = try server.connect()
    #expect(another.readToEnd() == .finished)
    #expect(server.wait { server.total.refusedCount == 1 })
    for client in clients { #expect(client.ask("still here") == "still here") }
    server.stop()
  }

  @Test("leaves descriptors to the rest of the process, whoever wants to connect (epoll)")
  func reserveOnEpoll() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess { try checkReserve(.epoll) }
    }
  }

  @Test("leaves descriptors to the rest of the process, whoever wants to connect (io_uring)")
  func reserveOnIOURing() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess { try checkReserve(.ioURing) }
    }
  }

  @Test("nor takes them to connect, and bothers no peer then", arguments: TestBackend.kinds)
  func reserveWhenConnecting(kind: BackendKind) async {
    if kind == .epoll {
      await #expect(processExitsWith: .success) {
        try inForkedProcess { try checkReserveWhenConnecting(.epoll) }
      }
    } else {
      await #expect(processExitsWith: .success) {
        try inForkedProcess { try checkReserveWhenConnecting(.ioURing) }
      }
    }
  }

  @Test("raises the limit of open files, unless it is told not to")
  func openFileLimit() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        Descriptors.limit()
        let low = OpenFileLimit.current
        let server = try LineServer(.epoll) { $0.raisesOpenFileLimit = false }
        #expect(OpenFileLimit.current == low)
        server.stop()
        try LineServer(.epoll).stop()
        #expect(OpenFileLimit.current > low)
      }
    }
  }

  @Test("a socket closed in order sends FIN and no RST, though bytes have arrived that nobody read")
  func closeOrderly() throws {
    let pair = TCPPair()
    let bytes = [UInt8](repeating: 1, count: 5000)
    #expect(send(pair.connected, bytes, bytes.count, 0) == bytes.count)
    Socket(pair.accepted).closeOrderly()
    var byte: UInt8 = 0
    #expect(recv(pair.connected, &byte, 1, 0) == 0)
    // After an RST this would be EPIPE.
    #expect(send(pair.connected, &byte, 1, Int32(MSG_NOSIGNAL)) == 1)
    close(pair.connected)
  }
}

/// To be run in a process of its own.
private func checkReserve(_ kind: BackendKind) throws {
  Descriptors.limit()
  let server = try LineServer(kind) {
    $0.reactorCount = 1
    $0.raisesOpenFileLimit = false
    $0.reservedDescriptorCount = 32
  }
  let clients = try (0..<40).map { _ in try LineClient(unconnectedFor: server.group.addresses[0]) }
  let spares = Descriptors.leave(32 + 10)
  for client in clients {
    try client.connect()
    client.tell("hello")
  }
  #expect(server.wait { server.total.acceptFailureCount > 0 })
  for client in clients[..<10] { #expect(client.readLine() == "hello") }
  #expect(server.total.connectionCount == 10)
  #expect(server.total.refusedCount == 0)
  #expect(server.journal.log.withLock { $0.count { $0.contains("RLIMIT_NOFILE") } } == 1)
  // Whoever leaves makes room for two: the clients' ends are in this process as well.
  for client in clients[..<5] { client.close() }
  for client in clients[10..<20] { #expect(client.readLine() == "hello") }
  Pause.milliseconds(250)
  #expect(server.total.acceptedCount == 20)
  // Nobody leaves, but somebody else gives descriptors back.
  for spare in spares.suffix(40) { close(spare) }
  for client in clients[20...] { #expect(client.readLine() == "hello") }
  #expect(server.total.refusedCount == 0)
  server.stop()
}

/// To be run in a process of its own.
private func checkReserveWhenConnecting(_ kind: BackendKind) throws {
  Descriptors.limit()
  let dialing = try Dialing(kind) {
    $0.raisesOpenFileLimit = false
    $0.reservedDescriptorCount = 32
  }
  let listener = try Listener.open(.loopback(port: 0))
  let spares = Descriptors.leave(8)
  let error = #expect(throws: SystemError.self) {
    try dialing.connect(to: listener.address).get()
  }
  #expect(error?.code == EMFILE && error?.advice?.contains("RLIMIT_NOFILE") == true)
  var poll = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
  #expect(Glibc.poll(&poll, 1, 50) == 0)
  for spare in spares.suffix(64) { close(spare) }
  let id = try dialing.connect(to: listener.address).get()
  #expect(dialing.wait(id) { $0 == [.connected] } == [.connected])
  dialing.stop()
}
