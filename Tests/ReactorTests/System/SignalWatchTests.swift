import CProcess
import CURing
import Glibc
import Synchronization
import Testing

@testable import Reactor

/// Each in a process of its own: signals are the process's.
@Suite("Watches for signals")
struct SignalWatchTests {
  @Test("each of several is told of a signal, once, though other threads have it blocked")
  func several() async {
    await #expect(processExitsWith: .success) {
      let told = ConditionLock<[Int]>([])
      setBlocked(SIGTERM, true)
      let watches = try (0..<3).map { number in
        try SignalWatch([.interrupt, .terminate]) { told.change { $0.append(number) } }
      }
      kill(getpid(), SIGTERM)
      told.wait { $0.count == 3 ? () : nil }
      #expect(told.withLock { $0.sorted() } == [0, 1, 2])
      for watch in watches { watch.cancel() }
    }
  }

  @Test(
    "when one has been cancelled the others go on, and nobody finds stray bytes in a descriptor")
  func cancelled() async {
    await #expect(processExitsWith: .success) {
      let told = ConditionLock<[String]>([])
      let first = try SignalWatch([.terminate]) { told.change { $0.append("first") } }
      let second = try SignalWatch([.terminate]) { told.change { $0.append("second") } }
      second.cancel()
      let pairs = (0..<32).map { _ in socketPair() }
      kill(getpid(), SIGTERM)
      told.wait { $0.isEmpty ? nil : () }
      first.cancel()
      #expect(told.withLock { $0 } == ["first"])
      for pair in pairs {
        for descriptor in [pair.0, pair.1] {
          var byte: UInt8 = 0
          #expect(recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) < 0)
        }
      }
    }
  }

  @Test("one that begins when others have been told is told of the next signal")
  func later() async {
    await #expect(processExitsWith: .success) {
      let told = ConditionLock<[String]>([])
      let first = try SignalWatch([.terminate]) { told.change { $0.append("first") } }
      kill(getpid(), SIGTERM)
      told.wait { $0.isEmpty ? nil : () }
      let second = try SignalWatch([.terminate]) { told.change { $0.append("second") } }
      kill(getpid(), SIGTERM)
      told.wait { $0.count == 2 ? () : nil }
      #expect(told.withLock { $0 } == ["first", "second"])
      first.cancel()
      second.cancel()
    }
  }

  @Test("give the signals their former effect back when the last one has been cancelled")
  func former() async {
    await #expect(processExitsWith: .success) {
      signal(SIGTERM) { _ in SignalCount.own.add(1, ordering: .relaxed) }
      let told = ConditionLock(0)
      for round in 1...3 {
        let watches = try (0..<2).map { _ in
          try SignalWatch([.terminate]) { told.change { $0 += 1 } }
        }
        watches[0].cancel()
        kill(getpid(), SIGTERM)
        told.wait { $0 == round ? () : nil }
        #expect(SignalCount.own.load(ordering: .relaxed) == round - 1)
        watches[1].cancel()
        watches[1].cancel()
        kill(getpid(), SIGTERM)
        SignalCount.wait(until: round)
      }
    }
  }

  @Test("leave a handler in place that the program has installed meanwhile")
  func replaced() async {
    await #expect(processExitsWith: .success) {
      let watch = try SignalWatch([.terminate]) {}
      signal(SIGTERM) { _ in SignalCount.own.add(1, ordering: .relaxed) }
      watch.cancel()
      kill(getpid(), SIGTERM)
      SignalCount.wait(until: 1)
    }
  }

  @Test("leave SIGINT ignored where it is, and do not leave SIGTERM so")
  func ignored() async {
    await #expect(processExitsWith: .success) {
      signal(SIGINT, SIG_IGN)
      signal(SIGTERM, SIG_IGN)
      let told = ConditionLock(0)
      let watch = try SignalWatch([.interrupt, .terminate]) { told.change { $0 += 1 } }
      kill(getpid(), SIGINT)
      kill(getpid(), SIGTERM)
      told.wait { $0 == 1 ? () : nil }
      watch.cancel()
      // Ignored again.
      kill(getpid(), SIGTERM)
      usleep(50_000)
      #expect(told.withLock { $0 } == 1)
    }
  }

  @Test("a second signal ends the process by its default action", arguments: [SIGINT, SIGTERM])
  func second(signal number: Int32) async {
    await #expect(processExitsWith: .signal(number)) { [number] in
      let told = ConditionLock(0)
      let watch = try SignalWatch([.interrupt, .terminate]) { told.change { $0 += 1 } }
      kill(getpid(), SIGTERM)
      told.wait { $0 == 1 ? () : nil }
      usleep(300_000)
      kill(getpid(), number)
      sleep(5)
      watch.cancel()
    }
  }

  @Test("a signal that comes twice at once is one")
  func twice() async {
    await #expect(processExitsWith: .success) {
      let told = ConditionLock(0)
      let watch = try SignalWatch([.interrupt]) { told.change { $0 += 1 } }
      for _ in 0..<5 { kill(getpid(), SIGINT) }
      told.wait { $0 == 1 ? () : nil }
      watch.cancel()
    }
  }

  @Test("can be cancelled by what they call")
  func cancelledInside() async {
    await #expect(processExitsWith: .signal(SIGTERM)) {
      let watch = ConditionLock<SignalWatch?>(nil)
      let isCancelled = ConditionLock(false)
      let made = try SignalWatch([.terminate]) {
        watch.withLock { $0 }?.cancel()
        isCancelled.change { $0 = true }
      }
      watch.withLock { $0 = made }
      kill(getpid(), SIGTERM)
      isCancelled.wait { $0 ? () : nil }
      kill(getpid(), SIGTERM)
      sleep(5)
    }
  }

  @Test("without a descriptor fail, and leave the signal its effect")
  func noDescriptor() async {
    await #expect(processExitsWith: .exitCode(128 + SIGTERM)) {
      try inForkedProcess {
        setBlocked(SIGTERM, false)
        Descriptors.limit()
        _ = Descriptors.leave(0)
        expectFailure(EMFILE)
        kill(getpid(), SIGTERM)
        sleep(5)
      }
    }
  }

  @Test("without a thread fail, and leave the signal its effect")
  func noThread() async {
    await #expect(processExitsWith: .exitCode(128 + SIGTERM)) {
      try inForkedProcess {
        setBlocked(SIGTERM, false)
        // Root has as many as it likes.
        if geteuid() == 0 { #expect(setuid(65_534) == 0) }
        #expect(process_refuse_threads() == 0)
        expectFailure(EAGAIN)
        kill(getpid(), SIGTERM)
        sleep(5)
      }
    }
  }

  @Test("that a server cannot have are missed in its log, and the signal ends the process")
  func unwatchedServer() async {
    await #expect(processExitsWith: .exitCode(128 + SIGTERM)) {
      try inForkedProcess {
        setBlocked(SIGTERM, false)
        Descriptors.limit()
        let server = try LineServer(.epoll) { $0.raisesOpenFileLimit = false }
        let killer = try Thread.start(name: "killer") {
          if !server.wait(until: { server.journal.hasLogged("signals end the process at once") }) {
            exit(1)
          }
          kill(getpid(), SIGTERM)
        }
        _ = Descriptors.leave(0)
        server.group.run(stoppingOn: [.terminate])
        killer.join()
      }
    }
  }

  @Test("a forked child has none, and what it is sent does not reach its parent")
  func forked() async {
    await #expect(processExitsWith: .success) {
      let told = ConditionLock(0)
      let watch = try SignalWatch([.terminate]) { told.change { $0 += 1 } }
      let child = process_fork()
      if child == 0 {
        setBlocked(SIGTERM, false)
        kill(getpid(), SIGTERM)
        _exit(1)
      }
      var status: Int32 = 0
      #expect(waitpid(child, &status, 0) == child)
      #expect(status & 0x7F == SIGTERM)
      #expect(told.withLock { $0 } == 0)
      watch.cancel()
      #expect(told.withLock { $0 } == 0)
    }
  }
}

/// Signals that a handler of the program's own has got, on whatever thread.
private enum SignalCount {
  static let own = Atomic<Int>(0)

  static func wait(until count: Int) {
    while own.load(ordering: .relaxed) != count { usleep(1000) }
  }
}

/// In this thread. That of a test has all blocked, since it is one for tasks.
private func setBlocked(_ number: Int32, _ isBlocked: Bool) {
  var set = sigset_t()
  sigemptyset(&set)
  sigaddset(&set, number)
  pthread_sigmask(isBlocked ? SIG_BLOCK : SIG_UNBLOCK, &set, nil)
}

private func socketPair() -> (Int32, Int32) {
  var pair: [Int32] = [-1, -1]
  socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
  return (pair[0], pair[1])
}

private func expectFailure(_ code: Int32) {
  do {
    _ = try SignalWatch([.terminate]) {}
    exit(10)
  } catch {
    if error.code != code { exit(11) }
  }
}
