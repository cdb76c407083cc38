/// Whether a peer goes on taking what it is sent: what is counted while somebody wants to know.
///
/// Kept beside the connection records (`SendWatches`): few connections have one, and nothing is counted
/// for the others.
struct SendWatch {
  /// How long the peer may take. Nil: nobody waits for it, looks are only compared.
  var limits: Limits?
  /// When it began, or when the peer was last seen to have taken enough.
  var sinceNanoseconds: Int64
  /// What the peer had taken then, in bytes from some beginning. Nil: nobody has looked yet.
  private var takenByteCount: Int64?
  /// The peer has still to take bytes, as of the last look.
  private var hasUnacknowledgedBytes = false
  /// Bytes that were given to the kernel since it began.
  var handedByteCount: Int64 = 0

  struct Limits: Equatable {
    /// Nanoseconds for the peer's answer, once it has taken all.
    var answerNanoseconds: Int64
    /// Nanoseconds without a byte taken, as long as it has not.
    var stallNanoseconds: Int64
  }

  /// A peer's kernel acknowledges a few pings for a program that hangs. So, without an answer that is
  /// waited for, fewer bytes between two looks are no sign of life.
  static let signOfLifeByteCount: Int64 = 1024

  /// Looks in the time for an answer: the last byte may be noticed later by one part of it.
  private static let lookCount: Int64 = 4

  init(limits: Limits?, nowNanoseconds: Int64) {
    self.limits = limits
    sinceNanoseconds = nowNanoseconds
  }

  /// Compares what the kernel says with the look before. Returns whether the peer has taken at least
  /// `byteCountPerSecond` since the time that `sinceNanoseconds` names, which is now then.
  ///
  /// Bytes that it has acknowledged are bytes that it has taken. Where the kernel does not count those,
  /// they are what was given to the kernel, less what is left there: only its growth says something.
  mutating func look(
    _ bytes: SocketBytes, queuedByteCount: Int, nowNanoseconds: Int64, byteCountPerSecond: Int
  ) -> Bool {
    hasUnacknowledgedBytes = queuedByteCount > 0 || bytes.unacknowledgedByteCount ?? 0 > 0
    let taken =
      bytes.acknowledgedByteCount
      ?? bytes.unacknowledgedByteCount.map { handedByteCount - $0 }
    guard let taken else { return false }
    guard let before = takenByteCount else {
      takenByteCount = taken
      return false
    }
    let milliseconds = (nowNanoseconds - sinceNanoseconds) / 1_000_000
    let (product, isOverflow) = Int64(clamping: byteCountPerSecond)
      .multipliedReportingOverflow(by: milliseconds)
    let least = isOverflow ? Int64.max : product / 1000
    if limits == nil {
      guard taken - before >= max(least, Self.signOfLifeByteCount) else { return false }
    } else {
      // The last bytes may be few.
      guard taken > before, taken - before >= least || !hasUnacknowledgedBytes else { return false }
    }
    takenByteCount = taken
    sinceNanoseconds = nowNanoseconds
    return true
  }

  /// Nanoseconds until the next look; 0: the time is over. Nil: there is no limit.
  func nanosecondsToNextLook(nowNanoseconds: Int64) -> Int64? {
    guard let limits else { return nil }
    let limit =
      hasUnacknowledgedBytes
      ? max(limits.stallNanoseconds, limits.answerNanoseconds) : limits.answerNanoseconds
    let left = limit - (nowNanoseconds - sinceNanoseconds)
    return max(0, min(left, limits.answerNanoseconds / Self.lookCount + 1))
  }
}

/// What a look at a connection has found: `Reactor.examine`.
public struct ConnectionCondition: Sendable, Equatable {
  /// The peer has taken some of what it was sent since the look before. False for the first look.
  public let hasTakenBytes: Bool
  /// The peer has not acknowledged all that it was sent: some is in the kernel, or in the send queue.
  public let hasUnacknowledgedBytes: Bool
  /// Bytes have arrived that have not been received yet.
  public let hasUnreadBytes: Bool
}
