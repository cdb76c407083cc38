import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite("The backend of a group", .serialized)
struct GroupBackendTests {
  @Test(
    "is the one that was chosen, and one line says which and why",
    arguments: TestBackend.kinds)
  func chosen(kind: BackendKind) throws {
    let server = try LineServer(kind)
    #expect(server.group.backend == kind)
    let log = server.journal.log.withLock { $0 }
    #expect(log == ["martlet: 2 reactor(s) on \(kind.rawValue): chosen by the program"])
    server.stop()
  }

  @Test("is io_uring where it works and nothing else was said")
  func automatic() throws {
    let server = try LineServer(.epoll) { $0.backend = .automatic }
    #expect(server.group.backend == .ioURing)
    let log = server.journal.log.withLock { $0 }
    #expect(log == ["martlet: 2 reactor(s) on io_uring: io_uring passed its self-test"])
    server.stop()
  }

  @Test("is what the environment says, whatever the program has chosen")
  func environment() async {
    await #expect(processExitsWith: .success) {
      setenv(BackendChoice.environmentVariable, "epoll", 1)
      let server = try LineServer(.ioURing)
      #expect(server.group.backend == .epoll)
      let log = server.journal.log.withLock { $0 }
      #expect(log == ["martlet: 2 reactor(s) on epoll: chosen by MARTLET_BACKEND"])
      #expect(try server.connect().ask("x") == "x")
      server.stop()
      setenv(BackendChoice.environmentVariable, "kqueue", 1)
      let error = #expect(throws: SystemError.self) { try LineServer(.ioURing) }
      #expect(error?.advice?.contains("epoll") == true)
    }
  }

  @Test("is epoll for all when one reactor cannot have its ring, and one line says why")
  func laterReactorFails() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        // The self-test is done, so that what is asked for is a listener, two eventfds and two rings: the last of
        // them is a ring, and there is no descriptor left for it.
        _ = try SelfTest.capabilities()
        Descriptors.limit()
        let spares = Descriptors.leave(4).prefix(8)
        let log = ConditionLock<[String]>([])
        let isFreed = Atomic<Bool>(false)
        var configuration = ReactorConfiguration()
        configuration.reactorCount = 2
        configuration.distribution = .fewestConnections
        configuration.raisesOpenFileLimit = false
        configuration.log = { line in log.withLock { $0.append(line) } }
        let journal = LineJournal()
        let group = try ReactorGroup(
          configuration: configuration, addresses: [.loopback(port: 0)], attachmentByteCount: 16
        ) { reactor in
          // The one that has its ring gives descriptors back when the other one has failed, for epoll.
          if !isFreed.exchange(true, ordering: .relaxed) {
            Pause.milliseconds(1500)
            for spare in spares { close(spare) }
          }
          return LineHandler(reactor, journal)
        }
        #expect(group.backend == .epoll)
        let lines = log.withLock { $0 }
        #expect(lines.count == 1)
        #expect(
          lines.first?.hasPrefix("martlet: 2 reactor(s) on epoll: ") == true, "\(lines)")
        #expect(group.statistics.count == 2)
        group.stop()
        group.wait()
      }
    }
  }

  @Test("is an error, with nothing left running, when io_uring was demanded and cannot be had")
  func demanded() async {
    await #expect(processExitsWith: .success) {
      _ = try SelfTest.capabilities()
      // No process has so much address space.
      let error = #expect(throws: SystemError.self) {
        try LineServer(.ioURing) { $0.receiveBufferByteCount = 1 << 42 }
      }
      #expect(error != nil)
      let server = try LineServer(.ioURing) {
        $0.backend = .automatic
        $0.receiveBufferByteCount = 1 << 42
      }
      #expect(server.group.backend == .epoll)
      #expect(server.journal.log.withLock { $0.count } == 1)
      server.stop()
    }
  }
}
