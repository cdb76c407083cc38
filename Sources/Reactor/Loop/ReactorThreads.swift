internal import CURing
internal import Glibc

/// The threads of a group, and which of them have ended.
final class ReactorThreads: Sendable {
  private struct State {
    var threads: [Thread?]
    var hasEnded: [Bool]
    /// Nobody waits any longer than until then, by the monotonic clock. Max: no stop was asked for.
    var deadlineNanoseconds = Int64.max
    /// Whether those that have not ended have been told of.
    var isReported = false
  }

  /// Beyond the time that connections have: a busy reactor needs some to reset what is left.
  private static let graceNanoseconds: Int64 = 2_000_000_000

  private let state: ConditionLock<State>

  init(count: Int) {
    state = ConditionLock(
      State(
        threads: Array(repeating: nil, count: count),
        hasEnded: Array(repeating: false, count: count)))
  }

  /// Starts the thread of the reactor with this position.
  func start(_ position: Int, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    let thread = try Thread.start(name: "reactor-\(position)", blocking: .handlers) { [self] in
      body()
      state.change { $0.hasEnded[position] = true }
    }
    state.withLock { $0.threads[position] = thread }
  }

  /// Waits for those that were started, without limit.
  func join() {
    let threads = state.withLock { state in
      defer { for position in state.threads.indices { state.threads[position] = nil } }
      return state.threads
    }
    for thread in threads { thread?.join() }
  }

  /// From now on those who wait do so for this long, and the grace.
  func expectEnd(afterNanoseconds nanoseconds: Int64) {
    let deadline = MonotonicClock.nowNanoseconds() + nanoseconds + Self.graceNanoseconds
    state.change { $0.deadlineNanoseconds = deadline }
  }

  /// Waits until all have ended, or their time is over. Those that have not ended then will not be
  /// waited for again, and end by themselves. Any thread, also several.
  /// - Returns: the positions of those, and whether this is the first call that returns them.
  func wait() -> (stuck: [Int], isFirst: Bool) {
    _ = state.wait(untilNanoseconds: \.deadlineNanoseconds) { state in
      state.hasEnded.allSatisfy { $0 } ? () : nil
    }
    // Under the lock: whoever comes second must not return before they are joined, which takes no
    // time any more.
    return state.withLock { state in
      let stuck = state.hasEnded.indices.filter { !state.hasEnded[$0] }
      for position in state.threads.indices {
        let thread = state.threads[position]
        state.threads[position] = nil
        if state.hasEnded[position] { thread?.join() } else { thread?.detach() }
      }
      defer { if !stuck.isEmpty { state.isReported = true } }
      return (stuck, !state.isReported)
    }
  }
}
