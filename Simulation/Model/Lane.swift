import WebSocket

/// What one thread has sent to one connection, and what of it has arrived: once and in order, or
/// its loss was reported.
final class Lane {
  struct Entry {
    let byteCount: Int
    let isTiny: Bool
    /// It may be lost without anybody being told: the policy says so.
    let canVanish: Bool
    let hasCompletion: Bool
    /// It was posted, or may have been: `accepted` is the answer of the moment.
    let isPosted: Bool
    var result: SendResult?
    var outcome: SendOutcome?
    var completionCount = 0
    var hasArrived = false
  }

  private(set) var entries: [Entry] = []
  private var nextNumber = 0
  func add(
    byteCount: Int, isTiny: Bool, canVanish: Bool, hasCompletion: Bool, isPosted: Bool
  ) -> Int {
    entries.append(
      Entry(
        byteCount: byteCount, isTiny: isTiny, canVanish: canVanish, hasCompletion: hasCompletion,
        isPosted: isPosted))
    return entries.count - 1
  }

  func answered(_ number: Int, _ result: SendResult) {
    entries[number].result = result
  }

  /// Returns what is wrong with it, if something is.
  func completed(_ number: Int, _ outcome: SendOutcome) -> String? {
    entries[number].completionCount += 1
    entries[number].outcome = outcome
    if entries[number].completionCount > 1 { return "a completion was called twice" }
    if entries[number].hasArrived, outcome == .dropped { return "what was dropped has arrived" }
    return nil
  }

  func arrived(_ number: Int) -> String? {
    guard number < entries.count else { return "a message has arrived that nobody has sent" }
    if entries[number].hasArrived { return "a message has arrived twice" }
    if number < nextNumber { return "messages have arrived out of order" }
    if let result = entries[number].result, result == .dropped || result == .closed {
      return "a message has arrived that was refused"
    }
    if entries[number].outcome == .dropped { return "a message has arrived that was dropped" }
    entries[number].hasArrived = true
    nextNumber = number + 1
    return nil
  }

  /// The next tiny message that may have arrived now.
  func nextTiny(byteCount: Int) -> Int? {
    entries.indices[nextNumber...].first { number in
      entries[number].isTiny && entries[number].byteCount == byteCount
        && entries[number].result != .dropped && entries[number].result != .closed
        && entries[number].outcome != .dropped
    }
  }

  /// What has been lost without its loss having been reported. `isEnded`: the connection has ended,
  /// with the peer's close frame behind all that it had sent.
  func loss(isEnded: Bool) -> String? {
    for (number, entry) in entries.enumerated() where !entry.hasArrived && !entry.canVanish {
      switch (entry.result, entry.outcome) {
      case (.dropped, _), (.closed, _), (_, .dropped), (_, .closed): continue
      // What was posted when the close frame was on its way came too late.
      case (_, nil) where isEnded && entry.isPosted: continue
      default:
        return "message \(number) of \(entry.byteCount) bytes was lost"
          + " (posted: \(entry.isPosted), completion: \(entry.hasCompletion),"
          + " answer \(entry.result.map { "\($0)" } ?? "none"))"
      }
    }
    return nil
  }

  var openCompletion: Int? {
    entries.firstIndex { $0.hasCompletion && $0.completionCount == 0 }
  }
}
