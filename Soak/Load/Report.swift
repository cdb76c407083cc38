import ExampleSupport
import Synchronization
import WebSocket

/// What has happened so far, for a line of figures a second. Any thread.
final class Report: Sendable {
  struct Counts {
    var openedCount = 0
    var endedCount = 0
    var refusedCount = 0
    var sentCount = 0
    var receivedCount = 0
    var findingCount = 0
    /// Microseconds, since the last line.
    var roundTrips: [Int] = []
  }

  private let counts = ConditionLock(Counts())

  func count(_ change: (inout Counts) -> Void) { counts.withLock { change(&$0) } }

  /// Something that should not have been.
  func find(_ text: String) {
    let number = counts.withLock { counts in
      counts.findingCount += 1
      return counts.findingCount
    }
    if number <= 50 { Console.output.print("finding \(text)") }
  }

  func noteRoundTrip(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let microseconds = Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
    counts.withLock { $0.roundTrips.append(microseconds) }
  }

  /// The figures, by name.
  func line(openCount: Int) -> String {
    let now = counts.withLock { counts in
      defer { counts.roundTrips.removeAll(keepingCapacity: true) }
      return counts
    }
    let times = now.roundTrips.sorted()
    func time(_ part: Double) -> Int {
      times.isEmpty ? 0 : times[Int(Double(times.count - 1) * part)]
    }
    return "status open=\(openCount) opened=\(now.openedCount) ended=\(now.endedCount) "
      + "refused=\(now.refusedCount) sent=\(now.sentCount) received=\(now.receivedCount) "
      + "findings=\(now.findingCount) p50=\(time(0.5)) p99=\(time(0.99)) max=\(time(1))"
  }
}
