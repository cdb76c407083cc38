/// What a reactor knows of one topic: how far it has come, and its subscribers here.
@safe final class TopicShard {
  let log: TopicLog
  let state: ThreadConfined<State>

  struct State: ~Copyable {
    /// Behind the last message of which a mark has been taken.
    var end: UInt64 = 0
    /// The segment of the oldest message that a subscriber still needs, its chain held. Nil: there
    /// has been no subscriber yet.
    var first: LogSegmentPointer?
    /// Where a message was last looked for.
    var found: LogSegmentPointer?
    /// The segment that `end` lies in: who has not been sent anything for long would else have the
    /// whole chain be followed once more for each of the others.
    var foundEnd: LogSegmentPointer?
    var subscriptions: [UInt32] = []
    /// The newest message of each key, if a subscriber wants to know.
    var newestByKey: [UInt64: UInt64] = [:]
    var isKeyed = false
    /// Stands in the list of those with something new, and where it was last put there.
    var isDirty = false
    var notedPosition: UInt64 = 0
    /// Stands in the list of those with subscribers that had not been sent everything.
    var isLagging = false
  }

  init(_ log: TopicLog) {
    self.log = log
    state = ThreadConfined(State())
  }

  deinit {
    state.value.first?.releaseChain()
    state.deallocate()
  }

  /// Takes over the hold of a subscription's start. The chain from the older of both leads to the
  /// other one.
  func hold(_ start: TopicLog.Start) {
    guard let first = state.value.first else {
      state.value.first = start.segment
      return
    }
    if start.segment.pointee.firstOrdinal < first.pointee.firstOrdinal {
      first.releaseChain()
      state.value.first = start.segment
      state.value.found = nil
      state.value.foundEnd = nil
    } else {
      start.segment.releaseChain()
    }
  }

  /// The segment that a message lies in, or will. It must not be older than the first one held.
  func segment(of ordinal: UInt64) -> LogSegmentPointer {
    guard let first = state.value.first else { preconditionFailure("no segment is held") }
    var segment = state.value.found ?? first
    if segment.pointee.firstOrdinal > ordinal { segment = first }
    while let next = segment.next, next.pointee.firstOrdinal <= ordinal { segment = next }
    state.value.found = segment
    return segment
  }

  /// Bytes of the topic before the end.
  private func byteAtEnd() -> UInt64 {
    let end = state.value.end
    guard var segment = state.value.foundEnd ?? state.value.first else {
      preconditionFailure("no segment is held")
    }
    while let next = segment.next, next.pointee.firstOrdinal <= end { segment = next }
    state.value.foundEnd = segment
    return segment.byte(of: end)
  }

  /// Bytes between a message and the end.
  func byteCount(from ordinal: UInt64) -> Int {
    guard ordinal < state.value.end else { return 0 }
    return Int(byteAtEnd() - segment(of: ordinal).byte(of: ordinal))
  }

  /// The oldest message from which there are at most so many bytes to the end, and not before
  /// `ordinal`.
  func ordinal(within byteCount: Int, notBefore ordinal: UInt64) -> UInt64 {
    let end = state.value.end
    let endByte = byteAtEnd()
    let firstByte = endByte > UInt64(byteCount) ? endByte - UInt64(byteCount) : 0
    var segment = segment(of: ordinal)
    while let next = segment.next, next.pointee.firstOrdinal <= end,
      next.pointee.firstByte <= firstByte
    {
      segment = next
    }
    let offset = firstByte > segment.pointee.firstByte ? firstByte - segment.pointee.firstByte : 0
    let limit = segment.next.map { min($0.pointee.firstOrdinal, end) } ?? end
    return max(ordinal, segment.ordinal(atOrAfter: Int(offset), below: limit))
  }

  /// Whether a newer message with the same key has come.
  func isSuperseded(_ ordinal: UInt64) -> Bool {
    let key = segment(of: ordinal).entry(of: ordinal).key
    guard key != 0, let newest = state.value.newestByKey[key] else { return false }
    return newest > ordinal
  }

  /// Lets go of all segments: the last subscriber has left. The log may begin another chain now, to
  /// which no way leads from this one.
  func releaseAll() {
    state.value.first?.releaseChain()
    state.value.first = nil
    state.value.found = nil
    state.value.foundEnd = nil
  }

  /// Lets go of all segments before the one that this message lies in, or will. Returns about how
  /// many bytes of the allocator's they have.
  func release(before ordinal: UInt64) -> Int {
    var byteCount = 0
    while let first = state.value.first, let next = first.next,
      next.pointee.firstOrdinal <= ordinal
    {
      next.holdChain()
      byteCount += first.pointee.capacity
      if state.value.found == first { state.value.found = nil }
      if state.value.foundEnd == first { state.value.foundEnd = nil }
      first.releaseChain()
      state.value.first = next
    }
    return byteCount
  }
}
