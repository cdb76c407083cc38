import WebSocket

/// Prints what the reactors have done since they began, so often that whoever compares two lines
/// need not wait for the second one for long.
enum Counters {
  static func printAlways(of server: Server) {
    Task.detached {
      while true {
        let sum = server.statistics.reduce(ReactorStatistics(), +)
        printLine(
          """
          connections=\(sum.connectionCount) messages=\(sum.messageCount) \
          sent_bytes=\(sum.sentByteCount) sends=\(sum.sendCount) \
          syscalls=\(sum.systemCallCount) wakes=\(sum.wakeCount)
          """)
        try await Task.sleep(for: .milliseconds(200))
      }
    }
  }
}
