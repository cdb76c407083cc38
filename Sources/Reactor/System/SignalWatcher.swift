internal import CURing
internal import Glibc

/// What a process watches signals with: one eventfd, which the handlers write to and which is never
/// closed, and one thread, which ends with the last watch.
final class SignalWatcher: Sendable {
  static let shared = SignalWatcher()

  private struct Watch {
    let signals: [StopSignal]
    let received: @Sendable () -> Void
    var isTold = false
  }

  private struct State {
    /// The process that all this belongs to: a forked child has a copy of it, and no thread.
    var process: pid_t = 0
    var descriptor: Int32 = -1
    var watches: [UInt64: Watch] = [:]
    var addedCount: UInt64 = 0
    /// The thread, as long as it runs.
    var thread: pthread_t?
    /// Whose closure is being called.
    var toldNumber: UInt64?
  }

  private let state = ConditionLock(State())

  func add(
    _ signals: [StopSignal], _ received: @escaping @Sendable () -> Void
  ) throws(SystemError) -> UInt64 {
    let result: Result<UInt64, SystemError> = state.withLock { state in
      do throws(SystemError) {
        // First of all what is needed to hear of a signal: else it would be lost, and nothing but
        // SIGKILL could end the process.
        try prepare(&state)
        state.addedCount += 1
        state.watches[state.addedCount] = Watch(signals: signals, received: received)
        for signal in signals {
          // Before the handler: the signal that it is called for first is to be told.
          martlet_signal_arm(signal.number)
          martlet_signal_watch(signal.number)
        }
        return .success(state.addedCount)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Returns when the closure is not being called any more, unless it is the closure that asks.
  func remove(_ number: UInt64) {
    let isOwnThread = state.withLock { state in
      guard let watch = state.watches.removeValue(forKey: number) else { return true }
      for signal in watch.signals {
        let others = state.watches.values.filter { $0.signals.contains(signal) }
        if others.isEmpty { martlet_signal_unwatch(signal.number) }
        if others.allSatisfy(\.isTold) { martlet_signal_disarm(signal.number) }
      }
      if state.watches.isEmpty { wake(state.descriptor) }
      return state.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? true
    }
    guard !isOwnThread else { return }
    state.wait { $0.toldNumber == number ? nil : () }
  }

  private func prepare(_ state: inout State) throws(SystemError) {
    if state.process != getpid() {
      let descriptor = eventfd(0, Int32(EFD_CLOEXEC))
      guard descriptor >= 0 else { throw .current("eventfd") }
      state = State(process: getpid(), descriptor: descriptor, addedCount: state.addedCount)
      martlet_signal_prepare(descriptor)
    }
    guard state.thread == nil else { return }
    let descriptor = state.descriptor
    let thread = try Thread.start(name: "signals") { self.work(descriptor) }
    state.thread = thread.handle
    thread.detach()
  }

  /// What the thread does.
  private func work(_ descriptor: Int32) {
    // The program may have blocked them in all other threads, or have been started so.
    for signal in StopSignal.allCases { martlet_signal_unblock(signal.number) }
    var count: UInt64 = 0
    while true {
      guard unsafe read(descriptor, &count, 8) == 8 || errno == EINTR else { return }
      tell()
      let hasEnded = state.withLock { state in
        guard state.watches.isEmpty else { return false }
        state.thread = nil
        return true
      }
      if hasEnded { return }
    }
  }

  /// Tells of the signals that have come.
  private func tell() {
    let come = StopSignal.allCases.filter { martlet_signal_take($0.number) }
    while true {
      let received = state.withLock { state in
        // In the order in which they began.
        let next = state.watches.keys.sorted().first { number in
          guard let watch = state.watches[number] else { return false }
          return !watch.isTold && come.contains { watch.signals.contains($0) }
        }
        guard let next else { return nil as (@Sendable () -> Void)? }
        state.watches[next]?.isTold = true
        state.toldNumber = next
        return state.watches[next]?.received
      }
      guard let received else { break }
      received()
      state.change { $0.toldNumber = nil }
    }
    state.withLock { state in
      for signal in StopSignal.allCases {
        let watches = state.watches.values.filter { $0.signals.contains(signal) }
        if watches.allSatisfy(\.isTold) { martlet_signal_disarm(signal.number) }
      }
    }
  }

  private func wake(_ descriptor: Int32) {
    var one: UInt64 = 1
    _ = unsafe write(descriptor, &one, 8)
  }
}
