import Reactor

/// What has been published on a topic, and what of it must be kept.
struct TopicRecord {
  struct Published {
    /// The payload's.
    let byteCount: Int
    let isText: Bool
    let excluded: Session?
    let key: UInt64
    let nanoseconds: Int64
    /// What it and all before it take in a history.
    let historyEnd: Int
    /// A later one has the same key.
    var isSuperseded = false
  }

  let limits: TopicLimits
  private(set) var messages: [Published] = []
  /// The longest of them, as a history counts it.
  private var longest = 0

  /// What a message takes in a history besides its frame.
  private static let entryByteCount = 24

  init(_ limits: TopicLimits) {
    self.limits = limits
  }

  var count: Int { messages.count }

  /// Whether only messages that are superseded by their key are left out for newer ones.
  var isConflatedByKey: Bool { if case .newestPerKey = limits.lag { true } else { false } }

  var closesLagging: Bool { if case .close = limits.lag { true } else { false } }

  /// Bytes that a subscriber may lag behind.
  var lagByteCountMax: Int {
    switch limits.lag {
    case .close(let count), .skipOldest(let count), .newestPerKey(let count): count
    case .newestOnly: 0
    }
  }

  var publishedByteCount: Int { messages.last?.historyEnd ?? 0 }

  mutating func add(
    _ byteCount: Int, isText: Bool, key: UInt64, excluding excluded: Session?, nanoseconds: Int64
  ) {
    if key != 0, let before = messages.lastIndex(where: { $0.key == key }) {
      messages[before].isSuperseded = true
    }
    let taken = Frame.byteCount(byteCount, isMasked: false) + Self.entryByteCount
    longest = max(longest, taken)
    messages.append(
      Published(
        byteCount: byteCount, isText: isText, excluded: excluded, key: key,
        nanoseconds: nanoseconds, historyEnd: publishedByteCount + taken))
  }

  func missing(_ ordinals: Range<Int>, for server: Session) -> [Int] {
    ordinals.filter { messages[$0].excluded !== server }
  }

  // MARK: What is kept

  /// What is let go of at once: a part of what is kept, and one message at least (`TopicLimits`).
  var segmentByteCountMax: Int {
    let usual = limits.historyByteCount > 0 ? max(4096, limits.historyByteCount / 4) : 64 * 1024
    return (max(usual, longest) + 15) & ~15
  }

  /// As much as the limit says, or the last part.
  var keptByteCountMax: Int { max(limits.historyByteCount, segmentByteCountMax) }

  /// Nil: by their age, all may have gone.
  var keptByteCountMin: Int? {
    guard limits.historyByteCount > 0, limits.historyMilliseconds == nil else { return nil }
    return publishedByteCount <= limits.historyByteCount
      ? publishedByteCount : limits.historyByteCount - segmentByteCountMax
  }

  /// Whether a message is young and new enough to be kept.
  func mustKeep(from ordinal: Int) -> Bool {
    guard ordinal < count, let last = messages.last else { return ordinal == count }
    guard limits.historyByteCount > 0, isYoung(ordinal, last) else { return false }
    let start = ordinal > 0 ? messages[ordinal - 1].historyEnd : 0
    // As long as nothing has gone, all is there.
    return publishedByteCount <= limits.historyByteCount
      || publishedByteCount - start <= limits.historyByteCount - segmentByteCountMax
  }

  private func isYoung(_ ordinal: Int, _ last: Published) -> Bool {
    guard let age = limits.historyMilliseconds else { return true }
    return (last.nanoseconds - messages[ordinal].nanoseconds) / 1_000_000 <= Int64(age)
  }

  /// Bytes that subscribers may lag behind beyond all limits: how far they do is looked at soon after
  /// something is published.
  func unjudgedByteCount(atNanoseconds now: Int64) -> Int {
    let soon: Int64 = 2_000_000_000
    guard !closesLagging else { return byteCount(sinceNanoseconds: now - soon) }
    // Who is not closed may go on referring to what it was to be sent last, until more is published.
    guard let last = messages.last(where: { $0.nanoseconds < now - soon }) else {
      return publishedByteCount
    }
    return byteCount(sinceNanoseconds: last.nanoseconds - soon)
  }

  /// Bytes of what has been published since a time.
  func byteCount(sinceNanoseconds time: Int64) -> Int {
    guard let first = messages.lastIndex(where: { $0.nanoseconds < time }) else {
      return publishedByteCount
    }
    return publishedByteCount - messages[first].historyEnd
  }
}
