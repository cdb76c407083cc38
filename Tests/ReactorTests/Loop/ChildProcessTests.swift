import CProcess
import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite("A program that a handler starts", .serialized)
struct ChildProcessTests {
  @Test("can be ended by signals, and has no descriptor of ours", arguments: [0, 1])
  func inherited(number: Int) async {
    await #expect(processExitsWith: .success) { [number] in
      // What the test's process has been given itself.
      let sleeper = startSleep()
      let before = inheritedFiles(of: sleeper)
      kill(sleeper, SIGKILL)
      #expect(waitpid(sleeper, nil, 0) == sleeper)
      let path = TestSocket.path("child")
      let server = try LineServer(
        number == 0 ? .epoll : .ioURing, on: [.loopback(port: 0), .unixPath(path)])
      let client = try server.connect()
      #expect(client.ask("x") == "x")
      for number in [SIGTERM, SIGINT] { try expectEnd(ofChildOf: server, by: number, before) }
      server.stop()
    }
  }

  @Test("or a signal handler that interrupts a reactor, loses nobody", arguments: [0, 1])
  func interrupted(number: Int) async {
    await #expect(processExitsWith: .success) { [number] in
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in }
      sigaction(SIGUSR1, &action, nil)
      let kind = number == 0 ? BackendKind.epoll : .ioURing
      let server = try LineServer(kind)
      let reactors = ConditionLock<[pthread_t]>([])
      server.group.execute { _ in reactors.change { $0.append(pthread_self()) } }
      let threads = reactors.wait { $0.count == 2 ? $0 : nil }
      let isDone = Atomic<Bool>(false)
      let sender = try Thread.start(name: "sender") {
        while !isDone.load(ordering: .relaxed) {
          for thread in threads { pthread_kill(thread, SIGUSR1) }
          usleep(50)
        }
      }
      let text = String(repeating: "x", count: 100)
      for round in 0..<20 {
        let client = try server.connect()
        for _ in 0..<50 { #expect(client.ask("\(round)\(text)") == "\(round)\(text)") }
      }
      isDone.store(true, ordering: .relaxed)
      sender.join()
      server.stop()
    }
  }
}

private func expectEnd(
  ofChildOf server: LineServer, by number: Int32, _ inherited: [String]
) throws {
  let answer = Answer<pid_t>()
  server.group.execute { reactor in
    if reactor?.position == 0 { answer.give(startSleep()) }
  }
  let child = answer.wait()
  try #require(child > 0)
  // posix_spawn returns when the child has called exec.
  let status = TextFile.read("/proc/\(child)/status") ?? ""
  // The main thread's; the one that has made the server has all blocked.
  let own = TextFile.read("/proc/self/status") ?? ""
  #expect(mask("SigBlk:", in: status) == mask("SigBlk:", in: own))
  #expect(inheritedFiles(of: child) == inherited)
  kill(child, number)
  var code: Int32 = 0
  #expect(waitpid(child, &code, 0) == child)
  #expect(code & 0x7F == number)
}

private func startSleep() -> pid_t {
  var child: pid_t = 0
  let name = strdup("sleep")
  let time = strdup("30")
  defer {
    free(name)
    free(time)
  }
  let result = posix_spawn(&child, "/bin/sleep", nil, nil, [name, time, nil], environ)
  return result == 0 ? child : -1
}

private func mask(_ name: String, in status: String) -> UInt64? {
  let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
  return line.flatMap { UInt64($0.dropFirst(name.count).drop { $0 == "\t" }, radix: 16) }
}

/// Sockets and what is like them, without the standard streams.
private func inheritedFiles(of process: pid_t) -> [String] {
  (3..<Int32(512)).compactMap { descriptor in
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = buffer.withUnsafeMutableBytes { bytes in
      readlink(
        "/proc/\(process)/fd/\(descriptor)", bytes.baseAddress!.assumingMemoryBound(to: CChar.self),
        bytes.count)
    }
    guard count > 0 else { return nil }
    let name = String(decoding: buffer[..<count], as: UTF8.self)
    let isOurs = ["socket:", "anon_inode:"].contains { name.hasPrefix($0) }
    return isOurs ? name : nil
  }
}
