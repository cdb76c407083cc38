internal import Synchronization

/// How long a pass takes. One that takes long holds up all connections of the reactor.
extension ReactorLoop {
  private static let noticeIntervalNanoseconds: Int64 = 60_000_000_000

  @inline(__always)
  func notePassStart() {
    let now = state.value.realNanoseconds
    state.value.passStartNanoseconds = now
    reactor.counters.passStartNanoseconds.store(
      state.value.startNanoseconds + now, ordering: .relaxed)
  }

  /// The coarse clock is good enough, and does not make a pass without much to do slower.
  @inline(__always)
  func notePassEnd() {
    let now = MonotonicClock.nowCoarseNanoseconds() - state.value.startNanoseconds
    let duration = now - state.value.passStartNanoseconds
    if duration >= slowPassNanoseconds { report(slowPassNanoseconds: duration, now) }
  }

  @inline(never)
  private func report(slowPassNanoseconds duration: Int64, _ now: Int64) {
    guard now >= state.value.nextSlowNoticeNanoseconds else { return }
    state.value.nextSlowNoticeNanoseconds = now + Self.noticeIntervalNanoseconds
    reactor.configuration.log(
      """
      martlet: reactor \(reactor.position) was in one pass for \(duration / 1_000_000) ms: a handler \
      has blocked it, or the process stood still. Its \(reactor.slab.count) connections had to wait
      """)
  }
}
