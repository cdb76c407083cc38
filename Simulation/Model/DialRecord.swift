import WebSocket

/// What has become of a dial: opened, failed or cancelled, exactly one of them for each attempt, and
/// nothing after its end.
final class DialRecord {
  let number: Int
  /// Nil: it is made once.
  private let policy: ReconnectPolicy?
  private let connectNanoseconds: Int64
  private var session: Session?
  private var openCount = 0
  private var failureCount = 0
  /// How many have failed in a row is known, and so is whether another attempt follows.
  private var isCertain = true
  /// It was told that nothing follows.
  private var isEnded = false
  private var isCancelled = false
  private var hasStopped = false
  /// The next thing may not come before, and must come until. Nil: nothing needs to come.
  private var earliest: Int64 = 0
  private var latest: Int64?

  /// Wakes may be late, and so may the end of a connection.
  private static let slackNanoseconds: Int64 = 1_000_000_000

  init(
    _ number: Int, _ policy: ReconnectPolicy?, connectMilliseconds: Int, atNanoseconds now: Int64
  ) {
    self.number = number
    self.policy = policy
    connectNanoseconds = Int64(connectMilliseconds) * 1_000_000
    latest = now + connectNanoseconds + Self.slackNanoseconds
  }

  /// The session that is open, or was last.
  var newestSession: Session? { session }

  func cancelled(atNanoseconds now: Int64) {
    isCancelled = true
    session?.closing.cancelled(atNanoseconds: now)
  }

  func stopped() {
    hasStopped = true
  }

  // MARK: What is told

  /// Returns what is wrong with it, if something is.
  func opened(_ session: Session, atNanoseconds now: Int64) -> String? {
    defer {
      self.session = session
      openCount += 1
      latest = nil
      if isCancelled { session.closing.cancelled(atNanoseconds: now) }
    }
    return violation(of: "opened", atNanoseconds: now)
  }

  func failed(
    _ reason: ConnectFailure, _ retryMilliseconds: Int?, atNanoseconds now: Int64
  ) -> String? {
    if let violation = violation(of: "failed (\(reason))", atNanoseconds: now) { return violation }
    isEnded = retryMilliseconds == nil
    latest = nil
    switch reason {
    case .cancelled where !isCancelled: return "a dial is cancelled that nobody has cancelled"
    case .stopped where !hasStopped: return "a dial has stopped, and the client has not"
    // The request took its time.
    case .refused(let refusal) where refusal.status == .requestTimeout: break
    case .unresolved, .refused, .invalidResponse: return "a dial was answered wrongly: \(reason)"
    case .cancelled, .stopped:
      return isEnded ? nil : "a dial goes on that was ended"
    case .system, .timeout, .closed: break
    }
    failureCount += 1
    guard let policy else { return isEnded ? nil : "a dial is made anew that was not to be" }
    let isLast = failureCount > policy.failureCountMax ?? .max
    if isCertain, !isCancelled, !hasStopped, isLast != isEnded {
      return isEnded ? "a dial gave up early" : "a dial goes on for too long"
    }
    guard let retryMilliseconds else { return nil }
    earliest = now + Int64(retryMilliseconds) * 1_000_000
    latest = earliest + connectNanoseconds + Self.slackNanoseconds
    guard isCertain else { return nil }
    let longest = longestDelay(policy)
    return longest - longest / 2...longest ~= retryMilliseconds
      ? nil : "a dial is made anew in \(retryMilliseconds) ms, and not \(longest)"
  }

  private func longestDelay(_ policy: ReconnectPolicy) -> Int {
    var delay = policy.delayMilliseconds
    for _ in 1..<max(2, failureCount) { delay = min(2 * delay, policy.delayMillisecondsMax) }
    return failureCount <= 1 ? min(policy.delayMilliseconds, policy.delayMillisecondsMax) : delay
  }

  /// Its connection has ended.
  func closed(_ closure: Closure, isOwnWish: Bool, atNanoseconds now: Int64) {
    guard let policy, let session else { return }
    let milliseconds = (now - session.openedNanoseconds) / 1_000_000
    if abs(milliseconds - Int64(policy.stableAfterMilliseconds)) < 200 { isCertain = false }
    failureCount = milliseconds >= Int64(policy.stableAfterMilliseconds) ? 1 : failureCount + 1
    // After its own wish nothing follows, unless the peer's has come first.
    guard isCertain, !isOwnWish, policy.reconnects(closure),
      failureCount <= policy.failureCountMax ?? .max
    else { return }
    earliest = now
    latest =
      now + Int64(policy.delayMillisecondsMax) * 1_000_000 + connectNanoseconds
      + Self.slackNanoseconds
  }

  private func violation(of event: String, atNanoseconds now: Int64) -> String? {
    if isEnded { return "dial \(number) \(event) after its end" }
    if session?.isOpen ?? false { return "dial \(number) \(event) while its connection is open" }
    if policy == nil, openCount > 0 { return "dial \(number) \(event) after it was opened" }
    return now < earliest && !isCancelled && !hasStopped ? "dial \(number) \(event) early" : nil
  }

  // MARK: At rest

  /// What is wrong when nothing has been going on for a while. Time nil: when all is over.
  func violation(atNanoseconds now: Int64?) -> String? {
    if policy == nil {
      let outcomeCount = openCount + (isEnded ? 1 : 0)
      return outcomeCount == 1 ? nil : "dial \(number) has \(outcomeCount) outcomes"
    }
    if isEnded { return nil }
    if isCancelled, session?.isOpen ?? true { return "dial \(number) goes on, although cancelled" }
    guard let latest else { return nil }
    return latest < now ?? .max ? "nothing has become of dial \(number)" : nil
  }
}
