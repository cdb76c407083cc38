internal import Glibc
internal import Synchronization

/// How many subscriptions each connection of a reactor has, those on their way to it included: so
/// that any thread can be answered at once that it has too many.
///
/// A word for each slot, in blocks that are made when a connection of theirs first subscribes, and
/// never freed. In the bits above the count stands whose it is (`SharedCell.tag`); 0: nobody's, nothing
/// has been counted.
@safe struct SubscriptionCounts: ~Copyable, @unchecked Sendable {
  private typealias Block = UnsafeMutablePointer<Atomic<UInt64>>

  private let blocks: UnsafeMutablePointer<Atomic<Block?>>

  private static let blockCount = 1024
  private static let blockCountMax = ConnectionSlab.capacityMax / blockCount
  private static let countMask = UInt64(1) << 40 - 1

  init() {
    // Zeroed pages are nil pointers, and cost nothing before they are written to.
    unsafe blocks = calloc(Self.blockCountMax, MemoryLayout<Int>.stride)
      .assumingMemoryBound(to: Atomic<Block?>.self)
  }

  /// What became of a wish for one more.
  enum Reservation {
    case reserved, tooMany, closed
  }

  /// Counts one more, if that is allowed. Any thread.
  func reserve(_ index: UInt32, tag: UInt64, countMax: Int) -> Reservation {
    let block = unsafe block(of: index) ?? makeBlock(of: index)
    guard let block = unsafe block else { return .tooMany }
    let word = Int(index) % Self.blockCount
    var seen = unsafe block[word].load(ordering: .relaxed)
    while true {
      guard seen == 0 || seen & ~Self.countMask == tag else { return .closed }
      let count = seen & Self.countMask
      guard count < UInt64(clamping: countMax), count < Self.countMask else { return .tooMany }
      let (isDone, original) = unsafe block[word].weakCompareExchange(
        expected: seen, desired: tag | (count + 1), ordering: .relaxed)
      if isDone { return .reserved }
      seen = original
    }
  }

  /// Counts one less. Any thread.
  func release(_ index: UInt32, tag: UInt64) {
    guard let block = unsafe block(of: index) else { return }
    let word = Int(index) % Self.blockCount
    var seen = unsafe block[word].load(ordering: .relaxed)
    while seen & ~Self.countMask == tag, seen & Self.countMask > 0 {
      let (isDone, original) = unsafe block[word].weakCompareExchange(
        expected: seen, desired: seen - 1, ordering: .relaxed)
      if isDone { return }
      seen = original
    }
  }

  /// From now on it is the word of another connection, which has none; or of nobody, who can have
  /// none. The reactor's thread only.
  func reset(_ index: UInt32, tag: UInt64) {
    guard let block = unsafe block(of: index) else { return }
    unsafe block[Int(index) % Self.blockCount].store(tag, ordering: .relaxed)
  }

  private func block(of index: UInt32) -> Block? {
    unsafe blocks[Int(index) / Self.blockCount].load(ordering: .acquiring)
  }

  /// Nil: no memory.
  private func makeBlock(of index: UInt32) -> Block? {
    let fresh = unsafe calloc(Self.blockCount, MemoryLayout<UInt64>.stride)
    guard let fresh = unsafe fresh else { return nil }
    let made = unsafe fresh.assumingMemoryBound(to: Atomic<UInt64>.self)
    let (isDone, other) = unsafe blocks[Int(index) / Self.blockCount].compareExchange(
      expected: nil, desired: made, ordering: .acquiringAndReleasing)
    guard !isDone else { return unsafe made }
    unsafe free(fresh)
    return unsafe other
  }
}

extension ReactorPort {
  /// Counts a subscription that a connection is about to have. Any thread.
  func reserveSubscription(_ id: ConnectionID) -> SubscriptionCounts.Reservation {
    pointee.subscriptionCounts.reserve(
      id.index, tag: SharedCell.tag(id.generation, id.reactor),
      countMax: max(0, pointee.subscriptionCountMax.load(ordering: .relaxed)))
  }

  /// A subscription has ended, or come to nothing. Any thread.
  func releaseSubscription(_ id: ConnectionID) {
    pointee.subscriptionCounts.release(
      id.index, tag: SharedCell.tag(id.generation, id.reactor))
  }

  /// A slot is another connection's from now on, or with an even generation nobody's. Owner only.
  func resetSubscriptions(_ index: UInt32, generation: UInt32, number: UInt32) {
    pointee.subscriptionCounts.reset(index, tag: SharedCell.tag(generation, number))
  }
}
