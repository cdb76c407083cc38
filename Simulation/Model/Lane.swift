import WebSocket

/// What one thread has sent to one connection, and what of it has arrived: once and in order, or
/// its loss was reported.
final class Lane {
  struct Entry {
    let byteCount: Int
    let isTiny: Bool
    let isText: Bool
    /// Counts up over all lanes of the session.
    let order: Int
    /// It was posted, or may have been: `accepted` is the answer of the moment.
    let isPosted: Bool
    /// It is sent in fragments, which no policy drops once they are taken.
    var isFragmented = false
    var hasCompletion = false
    /// It may have arrived at its reactor while another message was being sent in fragments there.
    var mayMeetFragments = false
    /// Nil: it is still being sent.
    var result: SendResult?
    var outcome: SendOutcome?
    var completionCount = 0
    var hasArrived = false

    /// It was lost, and its sender told at once.
    var isRefused: Bool { result == .dropped || result == .closed }
  }

  private(set) var entries: [Entry] = []
  private var nextNumber = 0

  func add(_ entry: Entry) -> Int {
    entries.append(entry)
    return entries.count - 1
  }

  func answered(_ number: Int, _ result: SendResult) {
    entries[number].result = result
  }

  /// The message has a completion, which is to be called.
  func expectCompletion(_ number: Int) {
    entries[number].hasCompletion = true
  }

  func byteCount(_ number: Int) -> Int { entries[number].byteCount }

  /// Returns what is wrong with it, if something is.
  func completed(_ number: Int, _ outcome: SendOutcome) -> String? {
    entries[number].completionCount += 1
    entries[number].outcome = outcome
    if entries[number].completionCount > 1 { return "a completion was called twice" }
    if entries[number].hasArrived, outcome == .dropped { return "what was dropped has arrived" }
    // Those before it have left before. What is refused or dropped is told at once.
    if outcome == .sent, let open = openCompletion, open < number {
      return "a completion was called before that of an earlier message"
    }
    return nil
  }

  /// A message in fragments is about to be sent by another thread, over several passes: what is on
  /// its way may come between them, and is refused then.
  func meetFragments() {
    for number in entries.indices where entries[number].isPosted && !entries[number].hasArrived {
      entries[number].mayMeetFragments = true
    }
  }

  func arrived(_ number: Int, isText: Bool) -> String? {
    guard number < entries.count else { return "a message has arrived that nobody has sent" }
    if entries[number].hasArrived { return "a message has arrived twice" }
    if number < nextNumber { return "messages have arrived out of order" }
    if entries[number].isRefused { return "a message has arrived that was refused" }
    if entries[number].outcome == .dropped { return "a message has arrived that was dropped" }
    if entries[number].isText != isText { return "a message has arrived as another kind" }
    entries[number].hasArrived = true
    nextNumber = number + 1
    return nil
  }

  /// The next tiny message that may have arrived now.
  func nextTiny(byteCount: Int, isText: Bool) -> Int? {
    entries.indices[nextNumber...].first { number in
      entries[number].isTiny && entries[number].byteCount == byteCount
        && entries[number].isText == isText && !entries[number].isRefused
        && entries[number].outcome != .dropped
    }
  }

  /// What has been lost without its loss having been reported, or without a reason.
  ///
  /// - Parameters:
  ///   - isEnded: the connection has ended, with the peer's close frame behind all that it had sent.
  ///   - mayBeDropped: whether a policy may have dropped a message that it had taken.
  /// - Returns: nil if there is no such loss.
  func loss(isEnded: Bool, mayBeDropped: (Entry) -> Bool) -> String? {
    for (number, entry) in entries.enumerated() where !entry.hasArrived && !entry.isRefused {
      let isExcused =
        switch entry.outcome {
        // What was posted when the close frame was on its way came too late. Without its first
        // fragment, those behind it are refused.
        case .closed:
          isEnded || entry.mayMeetFragments || entry.isFragmented && entry.isPosted
        // Told by its completion, in the middle of the call that is about to be answered with it.
        case .dropped where entry.result == nil: true
        // Without another fragment, its connection is closed.
        case .dropped: mayBeDropped(entry) || isEnded && entry.isFragmented && entry.isPosted
        case .sent: false
        case nil where entry.result == nil || isEnded && entry.isPosted: true
        case nil:
          !entry.hasCompletion
            && (entry.mayMeetFragments || mayBeDropped(entry)
              // As above, and nobody is told.
              || entry.isFragmented && entry.isPosted)
        }
      if isExcused { continue }
      return "message \(number) of \(entry.byteCount) bytes was lost"
        + " (posted: \(entry.isPosted), completion: \(entry.hasCompletion),"
        + " outcome: \(entry.outcome.map { "\($0)" } ?? "none"),"
        + " answer \(entry.result.map { "\($0)" } ?? "none"))"
    }
    return nil
  }

  var openCompletion: Int? {
    entries.firstIndex { $0.hasCompletion && $0.completionCount == 0 }
  }
}
