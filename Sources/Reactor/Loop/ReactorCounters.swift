internal import Synchronization

/// A reactor's statistics as other threads see them: stored once a pass by the owner, each by
/// itself, so a snapshot may mix two passes.
@safe struct ReactorCounters: ~Copyable {
  private let words: UnsafeMutablePointer<Atomic<UInt64>>

  /// Connections that the reactor has or has been given: what an acceptor chooses the reactor by.
  let assignedCount = Atomic<Int>(0)
  /// When the pass began that the reactor is in, or was in before it went to sleep, by the monotonic
  /// clock. For whoever asks what it does.
  let passStartNanoseconds = Atomic<Int64>(MonotonicClock.nowNanoseconds())

  init() {
    unsafe words = .allocate(capacity: ReactorStatistics.wordCount)
    for position in 0..<ReactorStatistics.wordCount {
      unsafe (words + position).initialize(to: Atomic(0))
    }
  }

  deinit {
    unsafe words.deinitialize(count: ReactorStatistics.wordCount)
    unsafe words.deallocate()
  }

  /// For how long the reactor has been in its pass, if it is in one. Any thread.
  var passNanoseconds: Int64 {
    MonotonicClock.nowNanoseconds() - passStartNanoseconds.load(ordering: .relaxed)
  }

  /// Owner only.
  func store(_ statistics: borrowing ReactorStatistics) {
    for position in 0..<ReactorStatistics.wordCount {
      unsafe words[position].store(statistics[word: position], ordering: .relaxed)
    }
  }

  func load() -> ReactorStatistics {
    var statistics = ReactorStatistics()
    for position in 0..<ReactorStatistics.wordCount {
      unsafe statistics[word: position] = words[position].load(ordering: .relaxed)
    }
    return statistics
  }
}
