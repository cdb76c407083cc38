/// The deadlines of a reactor's connections: one per connection, in a ring of lists, at no cost in
/// the kernel.
///
/// Time is counted in ticks. A deadline beyond the wheel's horizon waits in its furthest list and
/// is put in again from there. All is O(1) but `ticksToNext`, which looks at 16 words.
@safe struct TimerWheel: ~Copyable {
  /// 32 ms: idle, ping and handshake timeouts are seconds, and a deadline may be late by one tick.
  static let nanosecondsPerTick: Int64 = 32_000_000
  private static let listCount = 1024

  private let slab: ConnectionSlab
  private let heads: UnsafeMutablePointer<UInt32>
  /// A bit for each list that is not empty.
  private var occupied: [16 of UInt64] = .init(repeating: 0)
  /// All lists up to this tick have been served.
  private(set) var now: UInt32

  /// - Parameters:
  ///   - slab: where the connections are.
  ///   - now: the tick that it is.
  init(slab: ConnectionSlab, now: UInt32 = 0) {
    self.slab = slab
    self.now = now
    unsafe heads = .allocate(capacity: Self.listCount)
    unsafe heads.initialize(repeating: ConnectionRecord.noIndex, count: Self.listCount)
  }

  deinit {
    unsafe heads.deallocate()
  }

  /// The first tick that begins at a time or after it. Ticks wrap; one must not be compared with
  /// another that is further away than two years.
  static func tick(atNanoseconds time: Int64) -> UInt32 {
    UInt32(truncatingIfNeeded: (time + nanosecondsPerTick - 1) / nanosecondsPerTick)
  }

  /// Sets the deadline of a connection, in place of an earlier one.
  mutating func set(_ connection: ConnectionPointer, tick: UInt32) {
    let isTimed = connection.pointee.flags.contains(.isTimed)
    connection.pointee.deadlineTick = tick
    // A later deadline need not move: the list it stands in puts it where it belongs when it is
    // served.
    if isTimed {
      // Lists are within the horizon, so the low bits tell the tick.
      let place = now &+ UInt32(connection.pointee.timerPlace &- UInt16(truncatingIfNeeded: now))
      guard Int32(bitPattern: tick &- place) < 0 else { return }
      remove(connection)
    }
    insert(connection)
  }

  mutating func remove(_ connection: ConnectionPointer) {
    guard connection.pointee.flags.contains(.isTimed) else { return }
    let next = connection.pointee.timerNext
    let previous = connection.pointee.timerPrevious
    if next != ConnectionRecord.noIndex {
      slab.record(at: next).pointee.timerPrevious = previous
    }
    if previous != ConnectionRecord.noIndex {
      slab.record(at: previous).pointee.timerNext = next
    } else {
      let list = Int(connection.pointee.timerPlace) % Self.listCount
      unsafe heads[list] = next
      if next == ConnectionRecord.noIndex { occupied[list / 64] &= ~(1 << UInt64(list % 64)) }
    }
    connection.pointee.timerNext = ConnectionRecord.noIndex
    connection.pointee.timerPrevious = ConnectionRecord.noIndex
    connection.pointee.flags.remove(.isTimed)
  }

  /// Moves time on by one tick at most, and takes the next connection out whose deadline has come.
  /// Nil: none up to `tick`. To be called until it returns nil.
  mutating func nextExpired(upTo tick: UInt32) -> ConnectionPointer? {
    while true {
      let list = Int(now) % Self.listCount
      while unsafe heads[list] != ConnectionRecord.noIndex {
        let connection = unsafe slab.record(at: heads[list])
        remove(connection)
        if Int32(bitPattern: connection.pointee.deadlineTick &- now) <= 0 { return connection }
        insert(connection)
      }
      guard Int32(bitPattern: tick &- now) > 0 else { return nil }
      now &+= min(max(ticksToNext ?? .max, 1), tick &- now)
    }
  }

  /// Ticks until the next list with a deadline in it. Nil: there is none.
  var ticksToNext: UInt32? {
    let start = Int(now &+ 1) % Self.listCount
    for step in 0...16 {
      let word = (start / 64 + step) % 16
      var bits = occupied[word]
      if step == 0 { bits &= ~0 << UInt64(start % 64) }
      if step == 16 { bits &= ~(~0 << UInt64(start % 64)) }
      guard bits == 0 else {
        let list = word * 64 + bits.trailingZeroBitCount
        return UInt32((list - start + Self.listCount) % Self.listCount) + 1
      }
    }
    return nil
  }

  /// The lists within the horizon hold one tick each, so a list is served whole.
  private mutating func insert(_ connection: ConnectionPointer) {
    let ahead = Int32(bitPattern: connection.pointee.deadlineTick &- now)
    let place = now &+ UInt32(min(max(Int(ahead), 1), Self.listCount - 1))
    let list = Int(place) % Self.listCount
    let head = unsafe heads[list]
    if head != ConnectionRecord.noIndex {
      slab.record(at: head).pointee.timerPrevious = connection.pointee.index
    }
    connection.pointee.timerNext = head
    connection.pointee.timerPrevious = ConnectionRecord.noIndex
    connection.pointee.timerPlace = UInt16(truncatingIfNeeded: place)
    connection.pointee.flags.insert(.isTimed)
    unsafe heads[list] = connection.pointee.index
    occupied[list / 64] |= 1 << UInt64(list % 64)
  }
}
