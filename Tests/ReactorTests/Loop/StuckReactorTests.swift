import Glibc
import Testing

@testable import Reactor

@Suite("A reactor whose handler blocks", .serialized)
struct StuckReactorTests {
  @Test(
    "does not hold up the stop beyond its bound, and leaves its port to others",
    arguments: TestBackend.kinds)
  func stop(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.stopMilliseconds = 100 }
    let clients = try (0..<16).map { _ in try server.connect() }
    for client in clients { #expect(client.ask("x") == "x") }
    let gate = Gate()
    gate.block(server, reactor: 1)
    let start = ContinuousClock.now
    server.group.stop()
    #expect(server.group.wait() == .stuck(reactors: [1]))
    let duration = ContinuousClock.now - start
    #expect(duration > .seconds(2) && duration < .seconds(4), "\(duration)")
    #expect(lines(of: server, with: "reactor 1 has not ended").count == 1)

    // The port is free, and nobody waits at the old listeners.
    let next = try LineServer(kind, on: server.group.addresses)
    for _ in 0..<32 { #expect(try next.connect().ask("y") == "y") }
    #expect(server.group.wait() == .stuck(reactors: [1]))
    gate.open()
    #expect(server.wait { server.group.wait() == .ended })
    #expect(server.wait { server.total.connectionCount == 0 })
    #expect(server.total.acceptedCount == 16)
    // What the first one has closed since was not the second one's.
    for _ in 0..<32 { #expect(try next.connect().ask("z") == "z") }
    next.stop()
    #expect(lines(of: server, with: "has not ended").count == 1)
    #expect(lines(of: server, with: "accept").isEmpty)
  }

  @Test("that accepts for all leaves its Unix socket's name", arguments: TestBackend.kinds)
  func unixSocket(kind: BackendKind) throws {
    let path = TestSocket.path("stuck-\(kind)")
    let server = try LineServer(kind, on: [.unixPath(path)]) { $0.stopMilliseconds = 100 }
    let gate = Gate()
    gate.block(server, reactor: 0)
    let waiting = try LineClient(.unixPath(path))
    server.group.stop()
    #expect(server.group.wait() == .stuck(reactors: [0]))
    #expect(access(path, F_OK) != 0)
    let next = try LineServer(kind, on: [.unixPath(path)])
    gate.open()
    #expect(server.wait { server.group.wait() == .ended })
    #expect(waiting.readToEnd() != .stillOpen)
    #expect(try next.connect().ask("x") == "x")
    next.stop()
  }

  @Test("leaves no thread and no descriptor behind when it goes on", arguments: [0, 1])
  func leavesNothing(number: Int) async {
    await #expect(processExitsWith: .success) { [number] in
      try inForkedProcess {
        let kind = number == 0 ? BackendKind.epoll : .ioURing
        func cycle() throws {
          let server = try LineServer(kind) { $0.stopMilliseconds = 0 }
          let client = try server.connect()
          #expect(client.ask("x") == "x")
          let gate = Gate()
          gate.block(server, reactor: 0)
          server.group.stop()
          #expect(server.group.wait() == .stuck(reactors: [0]))
          gate.open()
          #expect(server.wait { server.group.wait() == .ended })
        }
        try cycle()
        let descriptors = Descriptors.count
        let threads = Descriptors.threadCount
        try cycle()
        var patience = 500
        while Descriptors.threadCount > threads || Descriptors.count > descriptors, patience > 0 {
          Pause.milliseconds(10)
          patience -= 1
        }
        #expect(Descriptors.count == descriptors && Descriptors.threadCount <= threads)
      }
    }
  }

  @Test("leaves a line in the log, one a minute", arguments: TestBackend.kinds)
  func slowPass(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.slowPassMilliseconds = 50 }
    let client = try server.connect()
    #expect(client.ask("x") == "x")
    #expect(lines(of: server, with: "in one pass").isEmpty)
    for _ in 0..<2 {
      let done = Answer<Bool>()
      server.group.execute { reactor in
        guard reactor?.position == 1 else { return }
        Pause.milliseconds(120)
        done.give(true)
      }
      #expect(done.wait())
    }
    #expect(server.wait { !lines(of: server, with: "reactor 1 was in one pass for 1").isEmpty })
    server.stop()
    #expect(lines(of: server, with: "in one pass").count == 1)
  }

  private func lines(of server: LineServer, with text: String) -> [String] {
    server.journal.log.withLock { $0.filter { $0.contains(text) } }
  }
}

/// Where a handler waits until the test lets it go on.
private final class Gate: Sendable {
  private let isOpen = ConditionLock(false)

  /// Returns when the reactor is blocked.
  func block(_ server: LineServer, reactor position: Int) {
    let isBlocked = Answer<Bool>()
    server.group.execute { [isOpen] reactor in
      guard reactor?.position == position else { return }
      isBlocked.give(true)
      isOpen.wait { $0 ? () : nil }
    }
    _ = isBlocked.wait()
  }

  func open() {
    isOpen.change { $0 = true }
  }
}
