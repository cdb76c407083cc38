import CURing
import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite("A group of reactors", .serialized)
struct GroupTests {
  @Test("two groups in one process do not know of each other")
  func two() throws {
    let one = try LineServer(.ioURing)
    let other = try LineServer(.epoll)
    let client = try one.connect()
    let neighbour = try other.connect()
    let id = try one.id(of: client)
    let neighbourID = try other.id(of: neighbour)
    #expect(id.reactor != neighbourID.reactor)
    one.stop()
    #expect(!id.isOpen && neighbourID.isOpen)
    #expect(neighbour.ask("x") == "x")
    #expect(other.total.acceptedCount == 1)
    other.stop()
  }

  @Test("no limit on the time to stop is a very long one")
  func stopsWithoutLimit() async {
    await #expect(processExitsWith: .success) {
      let server = try LineServer(.epoll) { $0.stopMilliseconds = .max }
      let client = try server.connect()
      guard client.ask("x") == "x" else { exit(1) }
      server.group.stop()
      guard client.readToEnd() == .finished else { exit(2) }
      client.close()
      server.group.wait()
    }
  }

  @Test("runs as many reactors as it was told, or as the process may use CPUs")
  func count() throws {
    let three = try LineServer(.epoll) { $0.reactorCount = 3 }
    #expect(three.group.statistics.count == 3)
    three.stop()
    let usual = try LineServer(.epoll) {
      $0.reactorCount = nil
      $0.pinsThreads = true
    }
    #expect(usual.group.statistics.count == CPUSet.reactorCountDefault())
    #expect(try usual.connect().ask("x") == "x")
    usual.stop()
  }

  @Test("starts and stops as often as one likes, and leaves no descriptor and no thread behind")
  func cyclesIOURing() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess { try checkCycles(.ioURing) }
    }
  }

  @Test("starts and stops on epoll as often as one likes, and leaves nothing behind either")
  func cyclesEpoll() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess { try checkCycles(.epoll) }
    }
  }

  @Test("goes on accepting on io_uring when the process has descriptors again")
  func descriptorsIOURing() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess { try checkDescriptors(.ioURing) }
    }
  }

  @Test("goes on accepting on epoll when the process has descriptors again")
  func descriptorsEpoll() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess { try checkDescriptors(.epoll) }
    }
  }

  @Test("can be waited for by several, and again, while descriptors are used by others")
  func waiting() async {
    await #expect(processExitsWith: .success) {
      let server = try LineServer(.epoll)
      let client = try server.connect()
      client.tell("keep")
      #expect(client.ask("x") == "x")
      server.group.stop()
      let isStopped = Atomic<Bool>(false)
      let waiters = try (0..<3).map { _ in
        try Thread.start(name: "waiter") {
          server.group.wait()
          if !isStopped.load(ordering: .relaxed) { exit(3) }
        }
      }
      Pause.milliseconds(100)
      isStopped.store(true, ordering: .relaxed)
      client.close()
      for waiter in waiters { waiter.join() }
      // If a listener were closed twice, one of these would go.
      let others = (0..<8).map { _ in open("/dev/null", O_RDONLY) }
      server.group.wait()
      for other in others { #expect(fcntl(other, F_GETFD) >= 0) }
    }
  }

  @Test(
    "lets messages gather in the window, so that it wakes less often",
    arguments: TestBackend.kinds)
  func coalescing(kind: BackendKind) throws {
    let server = try LineServer(kind) {
      $0.reactorCount = 1
      $0.coalescingWindowMicroseconds = 20_000
    }
    let clients = try (0..<10).map { _ in try server.connect() }
    for client in clients { #expect(client.ask("x") == "x") }
    let before = server.total
    for round in 0..<20 {
      for client in clients {
        client.tell("\(round)")
        usleep(300)
      }
    }
    for client in clients {
      for round in 0..<20 { #expect(client.readLine() == "\(round)") }
    }
    // 200 messages in at least 60 ms; without the window about one wake for each.
    #expect(server.total.wakeCount - before.wakeCount < 100)
    server.stop()
  }

  @Test(
    "does not make the first message of a quiet server wait for the window",
    arguments: TestBackend.kinds)
  func firstMessage(kind: BackendKind) throws {
    let server = try LineServer(kind) {
      $0.reactorCount = 1
      $0.coalescingWindowMicroseconds = 300_000
    }
    let client = try server.connect()
    #expect(client.ask("x") == "x")
    // Past the window, and before the reactor looks after its house, a second after accepting.
    Pause.milliseconds(400)
    let start = ContinuousClock.now
    #expect(client.ask("y") == "y")
    #expect(ContinuousClock.now - start < .milliseconds(200))
    server.stop()
  }
}

/// To be run in a process of its own.
private func checkCycles(_ kind: BackendKind) throws {
  func cycle(_ round: Int) throws {
    let server = try LineServer(kind) {
      if round % 2 == 1 { $0.distribution = .fewestConnections }
    }
    var clients = try (0..<5).map { _ in try server.connect() }
    if round % 3 > 0 { for client in clients { #expect(client.ask("x") == "x") } }
    // Others come while it stops, and some go.
    server.group.stop()
    for _ in 0..<5 { if let client = try? server.connect() { clients.append(client) } }
    clients.removeAll()
    server.group.wait()
    #expect(server.total.connectionCount == 0 && server.total.queuedByteCount == 0)
  }
  for round in 0..<5 { try cycle(round) }
  let descriptors = Descriptors.count
  let threads = Descriptors.threadCount
  for round in 0..<40 { try cycle(round) }
  #expect(Descriptors.count == descriptors)
  // The kernel takes its time to remove the workers of a ring.
  var patience = 200
  while Descriptors.threadCount > threads, patience > 0 {
    Pause.milliseconds(10)
    patience -= 1
  }
  #expect(Descriptors.threadCount <= threads)
}

/// To be run in a process of its own.
private func checkDescriptors(_ kind: BackendKind) throws {
  Descriptors.limit()
  let server = try LineServer(kind) {
    $0.reactorCount = 1
    $0.raisesOpenFileLimit = false
    $0.reservedDescriptorCount = 0
  }
  let clients = try (0..<20).map { _ in try LineClient(unconnectedFor: server.group.addresses[0]) }
  _ = Descriptors.leave(5)
  for client in clients {
    try client.connect()
    client.tell("hello")
  }
  #expect(server.wait { server.total.acceptFailureCount > 0 })
  #expect(server.total.acceptedCount == 5)
  // Each one served makes room for the next: they come in the order they connected in.
  for client in clients {
    #expect(client.readLine() == "hello")
    client.finishSending()
    #expect(client.readToEnd() == .finished)
  }
  #expect(server.wait { server.total.connectionCount == 0 })
  #expect(server.total.acceptedCount == 20 && server.total.refusedCount == 0)
  server.stop()
}
