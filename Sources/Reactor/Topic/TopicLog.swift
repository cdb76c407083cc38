internal import CURing
internal import Synchronization

/// What many connections get: messages in one order, encoded and kept once, from which each
/// subscriber is sent what lies between its cursor and the end.
///
/// Any thread may publish. It waits at most for other threads that are publishing on the same log, each
/// of which copies up to `copiedByteCountMax` bytes under the lock.
open class TopicLog: @unchecked Sendable {
  /// How much is kept, and what happens to slow subscribers.
  public let limits: TopicLimits
  /// Counts what has become of its messages. Any thread.
  public let counters = TopicCounters()

  private let state = ConditionLock(State())

  /// Larger messages get a segment of their own, filled before the lock is taken.
  static let copiedByteCountMax = 8 * 1024
  private static let segmentByteCountMin = 512
  private static let segmentByteCountMax = 64 * 1024

  struct State {
    /// The oldest segment that is kept, its chain held; and the one that is being added to. Nil:
    /// there is nobody to keep anything for.
    var first: LogSegmentPointer?
    var last: LogSegmentPointer?
    var endOrdinal: UInt64 = 0
    var endByte: UInt64 = 0
    /// The reactors that have subscribers, or are about to.
    var links: [Link] = []
    /// Where the end was when it was last asked for what could be given back.
    var compactedOrdinal: UInt64 = 0
  }

  struct Link {
    let reactor: UInt32
    var subscriptionCount: Int
  }

  /// An empty log. A negative `historyByteCount` counts as 0. Any thread.
  public init(limits: TopicLimits) {
    var limits = limits
    limits.historyByteCount = max(0, limits.historyByteCount)
    self.limits = limits
  }

  deinit {
    state.withLock { $0.first?.releaseChain() }
  }

  /// Subscriptions, those on their way to their reactors included. Any thread.
  public var subscriberCount: Int {
    state.withLock { $0.links.reduce(0) { $0 + $1.subscriptionCount } }
  }

  /// The ordinal that the next message will have. Any thread.
  public var endOrdinal: UInt64 { state.withLock { $0.endOrdinal } }

  /// Bytes that are kept for whoever subscribes later, entries included. Any thread.
  public var keptByteCount: Int { state.withLock { Self.keptByteCount($0) } }

  // MARK: Publishing

  /// Adds a message, and tells each reactor that has subscribers. Any thread.
  ///
  /// - Parameters:
  ///   - byteCount: its length, at least 1 and less than 4 GiB.
  ///   - key: for subscribers that want only the newest of each; 0: none.
  ///   - excluded: who is not to get it.
  ///   - fill: writes it. Called at once, at most once: a short one not if there is nobody to keep
  ///     it for.
  /// - Returns: its ordinal.
  public final func append(
    _ byteCount: Int, key: UInt64 = 0, excluding excluded: ConnectionID? = nil,
    fill: (UnsafeMutableRawBufferPointer) -> Void
  ) -> UInt64 {
    guard byteCount > 0, byteCount < Int(UInt32.max) else {
      misuse(
        "A message of \(byteCount) bytes is published. A topic takes at least 1, less than 4 GiB.")
    }
    var large: LogSegmentPointer?
    if byteCount > Self.copiedByteCountMax {
      let segment = LogSegmentPointer(capacity: byteCount + LogSegmentPointer.entryByteCount)
      unsafe fill(segment.append(byteCount, key: key, excluding: excluded))
      large = segment
    }
    let (ordinal, links) = state.withLock { state in
      let ordinal = state.endOrdinal
      guard !state.links.isEmpty || limits.historyByteCount > 0 else {
        large?.releaseChain()
        state.endOrdinal += 1
        return (ordinal, state.links)
      }
      if let large {
        add(large, &state)
      } else {
        let segment = segment(for: byteCount, &state)
        unsafe fill(segment.append(byteCount, key: key, excluding: excluded))
      }
      // Before anything is let go of: its entry counts, too.
      state.endOrdinal += 1
      state.endByte += UInt64(byteCount)
      trim(&state)
      return (ordinal, state.links)
    }
    counters.publishedCount.add(1, ordering: .relaxed)
    counters.publishedByteCount.add(byteCount, ordering: .relaxed)
    for link in links { postMark(ordinal + 1, to: link.reactor) }
    return ordinal
  }

  /// The segment with room for a message.
  private func segment(for byteCount: Int, _ state: inout State) -> LogSegmentPointer {
    let needed = byteCount + LogSegmentPointer.entryByteCount
    if let last = state.last, last.freeByteCount >= needed { return last }
    // Small ones where little is published, so that a topic of few and rare messages costs little;
    // and several in what is kept, since it is let go of by whole segments.
    let most = limits.historyByteCount > 0 ? max(4096, limits.historyByteCount / 4) : .max
    let grown = min(2 * (state.last?.pointee.capacity ?? 0), most, Self.segmentByteCountMax)
    let segment = LogSegmentPointer(capacity: max(grown, Self.segmentByteCountMin, needed))
    add(segment, &state)
    return segment
  }

  /// Adds a segment to the end of the chain, which holds it from now on.
  private func add(_ segment: LogSegmentPointer, _ state: inout State) {
    segment.place(firstOrdinal: state.endOrdinal, firstByte: state.endByte)
    if let last = state.last {
      last.link(segment)
    } else {
      state.first = segment
    }
    state.last = segment
  }

  /// Lets go of what is too old or too much to be kept. The last segment stays, and so do those
  /// that a reactor holds.
  private func trim(_ state: inout State) {
    if limits.historyMilliseconds != nil {
      state.last?.fill.lastNanoseconds = MonotonicClock.nowNanoseconds()
    }
    while let first = state.first, first != state.last, isExpendable(first, state),
      let next = first.next
    {
      next.holdChain()
      first.releaseChain()
      state.first = next
    }
  }

  private func isExpendable(_ segment: LogSegmentPointer, _ state: borrowing State) -> Bool {
    if Self.keptByteCount(state) > limits.historyByteCount { return true }
    guard let age = limits.historyMilliseconds, let last = state.last else { return false }
    let milliseconds =
      (last.fill.lastNanoseconds - segment.fill.lastNanoseconds) / 1_000_000
    return milliseconds > Int64(age)
  }

  private static func keptByteCount(_ state: borrowing State) -> Int {
    guard let first = state.first else { return 0 }
    let messageCount = state.endOrdinal - first.pointee.firstOrdinal
    let byteCount = state.endByte - first.pointee.firstByte
    return Int(byteCount) + Int(messageCount) * LogSegmentPointer.entryByteCount
  }

  /// Tells a reactor that all messages before `end` can be sent. Any thread.
  func postMark(_ end: UInt64, to number: UInt32) {
    guard let port = ReactorPort.live(number) else { return }
    Kernel.substitute?.preempt()
    let entry = unsafe MarkEntry.make(self, end: end)
    unsafe entry.address(to: number)
    if unsafe !port.pointee.mailbox.post(entry) { unsafe entry.destroy() }
  }

  // MARK: Subscribers

  /// Where a subscription begins.
  struct Start {
    let ordinal: UInt64
    /// Behind the last message at that time.
    let end: UInt64
    /// The segment of that message, its chain held for the subscriber's reactor.
    let segment: LogSegmentPointer
  }

  /// Notes a subscription of a connection of a reactor, which from now on is told of each message.
  /// Any thread.
  ///
  /// - Throws: the oldest ordinal there is, if the one asked for is none of those that are kept.
  func attach(_ reactor: UInt32, from: UInt64?) throws(TopicPositionGone) -> Start {
    let result: Result<Start, TopicPositionGone> = state.withLock { state in
      let ordinal = from ?? state.endOrdinal
      let oldest = state.first?.pointee.firstOrdinal ?? state.endOrdinal
      guard oldest...state.endOrdinal ~= ordinal else {
        return .failure(TopicPositionGone(oldestOrdinal: oldest))
      }
      if state.last == nil { add(LogSegmentPointer(capacity: Self.segmentByteCountMin), &state) }
      guard var segment = ordinal == state.endOrdinal ? state.last : state.first else {
        preconditionFailure("a log with subscribers has a segment")
      }
      while let next = segment.next, next.pointee.firstOrdinal <= ordinal { segment = next }
      segment.holdChain()
      if let position = state.links.firstIndex(where: { $0.reactor == reactor }) {
        state.links[position].subscriptionCount += 1
      } else {
        state.links.append(Link(reactor: reactor, subscriptionCount: 1))
      }
      return .success(Start(ordinal: ordinal, end: state.endOrdinal, segment: segment))
    }
    return try result.get()
  }

  /// Whether a reactor has subscriptions, or is about to.
  func hasLink(_ reactor: UInt32) -> Bool {
    state.withLock { $0.links.contains { $0.reactor == reactor } }
  }

  /// A subscription has ended.
  func detach(_ reactor: UInt32) {
    state.withLock { state in
      guard let position = state.links.firstIndex(where: { $0.reactor == reactor }) else { return }
      state.links[position].subscriptionCount -= 1
      guard state.links[position].subscriptionCount == 0 else { return }
      state.links.remove(at: position)
      guard state.links.isEmpty, limits.historyByteCount == 0 else { return }
      state.first?.releaseChain()
      state.first = nil
      state.last = nil
    }
  }

  /// Replaces a large last segment to which nothing has been added lately by a small one, so that
  /// its memory can go as soon as all have been sent it. Returns whether to ask again, since
  /// something has been added.
  func compact() -> Bool {
    state.withLock { state in
      defer { state.compactedOrdinal = state.endOrdinal }
      guard limits.historyByteCount == 0, let last = state.last, last.fill.messageCount > 0,
        last.pointee.capacity > 4096
      else { return false }
      guard state.compactedOrdinal == state.endOrdinal else { return true }
      add(LogSegmentPointer(capacity: Self.segmentByteCountMin), &state)
      trim(&state)
      return false
    }
  }
}

/// The position asked for is not kept, or has not come yet.
struct TopicPositionGone: Error {
  let oldestOrdinal: UInt64
}
