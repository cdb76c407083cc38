/// How long one part of a pass may go on with what it has to do for many connections, posts or
/// deadlines, one after the other. What is left then has its turn in the next pass, and everything
/// else comes in between: fresh bytes, posts, timers, a stop.
///
/// What one of them takes by itself, such as a call of a handler, is not cut short.
struct PassBudget {
  /// Nanoseconds from the first look at the clock to the end.
  let nanoseconds: Int64
  /// .max: the clock has not been looked at yet.
  private var endNanoseconds = Int64.max
  /// How many more can be begun before the clock is looked at.
  private var credit = 1
  private(set) var isSpent = false

  /// Small pieces between two looks at the clock.
  private static let creditMax = 7
  /// Bytes of a piece that may have taken long.
  private static let byteCountMax = 4096

  init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// Begins anew. The clock is not looked at for one piece alone.
  @inline(__always)
  mutating func begin() {
    endNanoseconds = .max
    credit = 1
    isSpent = false
  }

  /// Whether another piece may be begun. The first one always may.
  @inline(__always)
  mutating func allowsAnother() -> Bool {
    credit -= 1
    return credit >= 0 || isWithinTime()
  }

  /// Notes that a piece had so many bytes: after many the clock is looked at sooner.
  @inline(__always)
  mutating func note(byteCount: Int) {
    if byteCount >= Self.byteCountMax { credit = min(credit, 0) }
  }

  /// Sees to it that there is at least so much time left, and that the next piece may be begun.
  mutating func extend(byNanoseconds extra: Int64) {
    credit = 1
    isSpent = false
    guard endNanoseconds != .max else { return }
    endNanoseconds = max(endNanoseconds, MonotonicClock.nowNanoseconds() + extra)
  }

  private mutating func isWithinTime() -> Bool {
    credit = 0
    guard !isSpent else { return false }
    if let substitute = Kernel.substitute {
      isSpent = nanoseconds == 0 || substitute.spendsBudget()
      return !isSpent
    }
    let now = MonotonicClock.nowNanoseconds()
    if endNanoseconds == .max {
      let (sum, isOverflow) = now.addingReportingOverflow(nanoseconds)
      endNanoseconds = isOverflow ? .max - 1 : sum
    }
    isSpent = now >= endNanoseconds
    credit = isSpent ? 0 : Self.creditMax
    return !isSpent
  }
}
