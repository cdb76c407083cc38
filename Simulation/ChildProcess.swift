import CProcess
import Glibc

/// Plays in a process of its own, so that a trap and a loop without end are outcomes like any other,
/// and what comes after them is not affected.
enum ChildProcess {
  /// Seconds of real time that one course may take. One takes milliseconds.
  static let usualLimit: UInt32 = 30
  nonisolated(unsafe) private static var limit = usualLimit

  /// Runs `body` in a child, each course in it for so many seconds at most. Returns what it has
  /// found, or how it has died. What it prints appears.
  static func outcome(limit seconds: UInt32 = usualLimit, _ body: () -> String?) -> Outcome {
    start(limit: seconds, body).outcome(tells: false)
  }

  /// The same in so many children at once, which are numbered from 0. What they say otherwise
  /// appears as well. Calls `ended` whenever one has ended.
  static func outcomes(
    of count: Int, _ body: (Int) -> String?, ended: (Int, Outcome) -> Void
  ) {
    var running = (0..<count).map { number in (number, start(limit: usualLimit) { body(number) }) }
    while !running.isEmpty {
      var polled = running.map { pollfd(fd: $0.1.descriptor, events: Int16(POLLIN), revents: 0) }
      guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
      for index in polled.indices.reversed() where polled[index].revents != 0 {
        if running[index].1.readPart() { continue }
        let (number, child) = running.remove(at: index)
        ended(number, child.outcome(tells: true))
      }
    }
  }

  private static func start(limit seconds: UInt32, _ body: () -> String?) -> Child {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { fail("pipe") }
    // Else both would print what stands in the buffer.
    fflush(nil)
    let process = process_fork()
    guard process >= 0 else { fail("fork") }
    if process == 0 {
      process_become_expendable()
      close(ends[0])
      // What the runtime says when it traps comes the same way.
      dup2(ends[1], 2)
      close(ends[1])
      limit = seconds
      let finding = body()
      alarm(0)
      if let finding { write(line: finding) }
      exit(finding == nil ? 0 : 1)
    }
    close(ends[1])
    return Child(process: process, descriptor: ends[0])
  }

  private struct Child {
    let process: pid_t
    /// Where it says what it says.
    let descriptor: Int32
    private var bytes: [UInt8] = []

    init(process: pid_t, descriptor: Int32) {
      self.process = process
      self.descriptor = descriptor
    }

    /// False: the other end is closed, which happens when the child has ended.
    mutating func readPart() -> Bool {
      var part = [UInt8](repeating: 0, count: 4096)
      let count = Glibc.read(descriptor, &part, part.count)
      if count < 0, errno == EINTR { return true }
      guard count > 0 else { return false }
      // Of what goes on for ever, the beginning is enough.
      if bytes.count < 1 << 20 { bytes += part[..<count] }
      return true
    }

    /// Waits for its end. `tells`: what it says otherwise appears.
    consuming func outcome(tells: Bool) -> Outcome {
      while readPart() {}
      close(descriptor)
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0 { if errno != EINTR { fail("waitpid") } }
      return ChildProcess.outcome(status, String(decoding: bytes, as: UTF8.self), tells)
    }
  }

  /// To be called when a course begins.
  static func beginCourse() { alarm(limit) }

  private static func outcome(_ status: Int32, _ text: String, _ tells: Bool) -> Outcome {
    let lines = text.split(separator: "\n").map { String($0) }
    let (signal, code) = (status & 0x7F, status >> 8 & 0xFF)
    // The last line of a failure is the failure.
    if tells { for line in lines.dropLast(code == 1 ? 1 : 0) { write(line: line) } }
    switch (signal, code) {
    case (0, 0): return .passed
    case (0, 1): return .violated(lines.last ?? "")
    case (0, let other): return .violated("exited with status \(other)")
    case (SIGALRM, _): return .endless
    default:
      let message = lines.last { $0.contains("Fatal error") } ?? ""
      return .trapped(signal: signal, message: message)
    }
  }

  private static func write(line: String) {
    _ = (line.replacing("\n", with: " ") + "\n").withCString { Glibc.write(2, $0, strlen($0)) }
  }

  private static func fail(_ call: String) -> Never {
    perror("simulate: \(call)")
    exit(70)
  }
}
