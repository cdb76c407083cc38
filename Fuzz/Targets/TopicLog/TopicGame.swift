import Glibc

@testable import Reactor

/// A log, three reactors that know of it, and a model of them.
final class TopicGame {
  /// As a reactor has it.
  final class Seat {
    let number: UInt32
    var shard: TopicShard
    var cursors: [UInt64] = []

    init(_ number: UInt32, _ log: TopicLog) {
      self.number = number
      shard = TopicShard(log)
    }
  }

  private let limits: TopicLimits
  private let log: TopicLog
  private var plain = PlainLog()
  private var seats: [Seat] = []
  /// The oldest that could be subscribed from. Nothing comes back.
  private var oldest: UInt64 = 0
  /// What is older has to go with the next message that is published. Nil: nothing.
  private var expired: UInt64?
  private var hasExpired = false
  /// A message was published that nobody wanted: it is in no segment.
  private var isUnwanted: Bool {
    seats.allSatisfy(\.cursors.isEmpty) && limits.historyByteCount == 0
  }

  init(_ limits: TopicLimits) {
    self.limits = limits
    log = TopicLog(limits: limits)
    // Numbers that no reactor of this process has: nobody is told of what is published.
    seats = (0..<3).map { Seat(1_000_000 + $0, log) }
  }

  func move(_ input: inout FuzzInput) {
    let choice = input.byte()
    let seat = seats[Int(choice >> 4) % seats.count]
    switch choice % 10 {
    case 0...3: publish(&input)
    case 4: subscribe(seat, &input)
    case 5: advance(seat, &input)
    case 6: skip(seat, &input)
    case 7: leave(seat, &input)
    case 8: _ = log.compact()
    default: expire()
    }
    check()
  }

  /// Everybody leaves.
  func end() {
    for seat in seats { while !seat.cursors.isEmpty { leave(seat, at: 0) } }
    promise("subscribers", log.subscriberCount, equals: 0)
  }

  // MARK: Moves

  private func publish(_ input: inout FuzzInput) {
    // Small ones, those around the size from which one has a segment of its own, and large ones.
    let scale = input.choose(from: [1, 1, 20, 300])
    let byteCount = 1 + Int(input.byte()) * scale + (scale == 300 ? 0 : Int(input.byte()) % 3)
    let key = UInt64(input.byte() % 4)
    let ordinal = plain.end
    let isUnwanted = isUnwanted
    var filledByteCount = 0
    let content = PlainLog.content(byteCount, of: ordinal)
    precondition(content.count == byteCount)
    let given = unsafe log.append(byteCount, key: key) { bytes in
      filledByteCount = bytes.count
      unsafe bytes.copyBytes(from: content)
    }
    promise("the ordinal", given, equals: ordinal)
    promise(
      "filled if somebody wants it",
      filledByteCount == byteCount || isUnwanted && filledByteCount == 0)
    // Bytes that nobody is kept for do not count.
    plain.append(isUnwanted ? 0 : byteCount, key: key)
    if isUnwanted { oldest = plain.end }
    // Marks come to reactors with subscribers.
    for seat in seats where !seat.cursors.isEmpty { seat.shard.state.value.end = plain.end }
    if limits.historyByteCount > 0 { checkHistory() }
  }

  /// What is kept is at most what the limits say, but for the last segment, and not much less.
  private func checkHistory() {
    let range = keptRange()
    if let expired {
      promise("what is too old goes", range.lowerBound >= expired)
      hasExpired = true
    }
    expired = nil
    let byteCount = log.keptByteCount
    if byteCount > limits.historyByteCount {
      promise("more is in the last segment only", segmentCount(from: range.lowerBound), equals: 1)
    }
    if range.lowerBound > 0, !hasExpired {
      // A whole segment went: a quarter of the history, 4 KiB, or one message.
      let longest = plain.messages.reduce(0) { max($0, $1.byteCount) } + 24
      let segmentByteCount = max(4096, limits.historyByteCount / 4, longest)
      promise("no less than that", byteCount + segmentByteCount >= limits.historyByteCount)
    }
  }

  private func segmentCount(from ordinal: UInt64) -> Int {
    let number: UInt32 = 2_000_000
    guard let start = try? log.attach(number, from: ordinal) else {
      fatalError("not kept: what is kept can be subscribed to")
    }
    var count = 1
    var segment = start.segment
    while let next = segment.next { (segment, count) = (next, count + 1) }
    start.segment.releaseChain()
    log.detach(number)
    return count
  }

  private func subscribe(_ seat: Seat, _ input: inout FuzzInput) {
    guard seat.cursors.count < 8 else { return }
    let range = keptRange()
    let from: UInt64? =
      switch input.byte() % 4 {
      case 0: nil
      case 1: range.lowerBound
      case 2: range.lowerBound &- 1
      default: range.lowerBound + UInt64(input.byte()) % (range.upperBound - range.lowerBound + 2)
      }
    do throws(TopicPositionGone) {
      let start = try log.attach(seat.number, from: from)
      promise("a position that is kept", from.map { range ~= $0 } ?? true)
      promise("where it begins", start.ordinal, equals: from ?? plain.end)
      promise("the end", start.end, equals: plain.end)
      seat.shard.hold(start)
      seat.shard.state.value.end = plain.end
      seat.cursors.append(start.ordinal)
    } catch {
      promise("a position that is gone, or has not come", !(range ~= (from ?? plain.end)))
      promise("the oldest there is", error.oldestOrdinal, equals: range.lowerBound)
    }
  }

  /// A subscriber has been sent some more.
  private func advance(_ seat: Seat, _ input: inout FuzzInput) {
    guard !seat.cursors.isEmpty else { return }
    let index = Int(input.byte()) % seat.cursors.count
    let target = min(plain.end, seat.cursors[index] + UInt64(input.byte()))
    read(seat.shard, seat.cursors[index]..<target)
    seat.cursors[index] = target
    release(seat)
  }

  /// A subscriber has fallen behind, and is not sent the oldest.
  private func skip(_ seat: Seat, _ input: inout FuzzInput) {
    guard !seat.cursors.isEmpty else { return }
    let index = Int(input.byte()) % seat.cursors.count
    let cursor = seat.cursors[index]
    let byteCount = Int(input.byte()) * input.choose(from: [0, 1, 40, 1000])
    promise("its lag", seat.shard.byteCount(from: cursor), equals: plain.byteCount(from: cursor))
    guard plain.byteCount(from: cursor) > byteCount else { return }
    let target = seat.shard.ordinal(within: byteCount, notBefore: cursor)
    promise("skipped to", target, equals: plain.oldest(within: byteCount, notBefore: cursor))
    seat.cursors[index] = target
    release(seat)
  }

  private func leave(_ seat: Seat, _ input: inout FuzzInput) {
    guard !seat.cursors.isEmpty else { return }
    leave(seat, at: Int(input.byte()) % seat.cursors.count)
  }

  private func leave(_ seat: Seat, at index: Int) {
    seat.cursors.remove(at: index)
    log.detach(seat.number)
    if seat.cursors.isEmpty { seat.shard.releaseAll() } else { release(seat) }
  }

  /// Makes all but the last segment look old.
  private func expire() {
    guard limits.historyMilliseconds != nil, limits.historyByteCount > 0, plain.end > 0 else {
      return
    }
    let number: UInt32 = 2_000_000
    guard let start = try? log.attach(number, from: keptRange().lowerBound) else {
      fatalError("not kept: what is kept can be subscribed to")
    }
    var segment = start.segment
    while let next = segment.next {
      segment.fill.lastNanoseconds = -7_200_000_000_000
      segment = next
    }
    expired = segment.pointee.firstOrdinal
    start.segment.releaseChain()
    log.detach(number)
  }

  private func release(_ seat: Seat) {
    guard let needed = seat.cursors.min() else { return }
    _ = seat.shard.release(before: needed)
  }

  // MARK: Checks

  /// The positions that can be subscribed from: asked for with one that cannot be.
  private func keptRange() -> ClosedRange<UInt64> {
    do throws(TopicPositionGone) {
      let start = try log.attach(3_000_000, from: .max)
      start.segment.releaseChain()
      fatalError("not kept: a position that has not come is refused")
    } catch {
      return error.oldestOrdinal...plain.end
    }
  }

  private func check() {
    promise("the end of the log", log.endOrdinal, equals: plain.end)
    promise(
      "subscribers", log.subscriberCount, equals: seats.reduce(0) { $0 + $1.cursors.count })
    let range = keptRange()
    promise("nothing comes back", range.lowerBound >= oldest)
    oldest = range.lowerBound
    promise(
      "what is kept", log.keptByteCount, equals: plain.keptByteCount(from: range.lowerBound))
    for seat in seats {
      promise("its link", log.hasLink(seat.number), equals: !seat.cursors.isEmpty)
      if let first = seat.cursors.min() { read(seat.shard, first..<plain.end) }
    }
  }

  /// What lies between a cursor and the end is there, and as it was published.
  private func read(_ shard: TopicShard, _ ordinals: Range<UInt64>) {
    for ordinal in ordinals {
      let message = plain.messages[Int(ordinal)]
      let segment = shard.segment(of: ordinal)
      let offset = segment.offset(of: ordinal)
      promise("its length", segment.offset(of: ordinal + 1) - offset, equals: message.byteCount)
      promise("its key", segment.entry(of: ordinal).key, equals: message.key)
      promise("bytes before it", Int(segment.byte(of: ordinal)), equals: message.firstByte)
      let content = PlainLog.content(message.byteCount, of: ordinal)
      let isSame = unsafe content.withUnsafeBytes { content in
        guard let start = content.baseAddress else { return true }
        return unsafe memcmp(start, segment.bytes + offset, content.count) == 0
      }
      promise("its bytes", isSame)
    }
  }
}
