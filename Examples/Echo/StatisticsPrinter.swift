import ExampleSupport
import WebSocket

/// Prints what the server has done, a line a second and a last one at the end. All numbers count
/// from the start.
struct StatisticsPrinter {
  private let server: Server
  private let task: Task<Void, any Error>

  init(_ server: Server) {
    self.server = server
    task = Task.detached {
      while true {
        try await Task.sleep(for: .seconds(1))
        Self.printLine(server)
      }
    }
  }

  func stop() {
    task.cancel()
    Self.printLine(server)
  }

  private static func printLine(_ server: Server) {
    let sum = server.statistics.reduce(ReactorStatistics(), +)
    Console.output.print(
      """
      connections=\(sum.connectionCount) messages=\(sum.messageCount) \
      received_bytes=\(sum.receivedByteCount) sent_bytes=\(sum.sentByteCount) \
      sends=\(sum.sendCount) syscalls=\(sum.systemCallCount) wakes=\(sum.wakeCount) \
      starved_buffers=\(sum.starvedBufferCount) queued_bytes=\(sum.queuedByteCount) \
      accepted=\(sum.acceptedCount) refused=\(sum.refusedCount) \
      accept_failures=\(sum.acceptFailureCount)
      """)
  }
}
