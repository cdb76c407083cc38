import CProcess
import Glibc

/// Plays in a process of its own, so that a trap and a loop without end are outcomes like any other,
/// and what comes after them is not affected.
enum ChildProcess {
  /// Seconds of real time that one course may take. One takes milliseconds.
  static let usualLimit: UInt32 = 30
  nonisolated(unsafe) private static var limit = usualLimit

  /// Runs `body` in a child, each course in it for so many seconds at most. Returns what it has
  /// found, or how it has died. What it prints appears; what else it says does if `tells`.
  static func outcome(
    limit seconds: UInt32 = usualLimit, tells: Bool = false, _ body: () -> String?
  ) -> Outcome {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { fail("pipe") }
    // Else both would print what stands in the buffer.
    fflush(nil)
    let child = process_fork()
    guard child >= 0 else { fail("fork") }
    if child == 0 {
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
    let text = read(ends[0])
    close(ends[0])
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 { if errno != EINTR { fail("waitpid") } }
    return outcome(status, text, tells)
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

  /// All until the other end is closed, which happens when the child has ended.
  private static func read(_ descriptor: Int32) -> String {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(descriptor, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      // Of what goes on for ever, the beginning is enough.
      if bytes.count < 1 << 20 { bytes += part[..<count] }
    }
  }

  private static func fail(_ call: String) -> Never {
    perror("simulate: \(call)")
    exit(70)
  }
}
