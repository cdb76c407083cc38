@testable import Reactor

/// A wheel beside a plain table of deadlines, to which the same is done.
struct TimerModel: ~Copyable {
  private let slab: ConnectionSlab
  private var wheel: TimerWheel
  private var random: SeededGenerator
  private let start: UInt32
  private let connections: [ConnectionPointer]
  /// Ticks since the start, which do not wrap.
  private var elapsed: Int = 0
  /// When each connection's deadline comes, in ticks since the start; nil: it has none.
  private var deadlines: [Int?]
  private(set) var expiredCount = 0
  private(set) var mistakes: [String] = []

  init(seed: UInt64, start: UInt32, connectionCount: Int) throws {
    let slab = ConnectionSlab(capacity: connectionCount, attachmentByteCount: 0)
    self.slab = slab
    self.start = start
    wheel = TimerWheel(slab: slab, now: start)
    random = SeededGenerator(seed: seed)
    connections = (0..<connectionCount).compactMap { _ in slab.allocate() }
    deadlines = Array(repeating: nil, count: connectionCount)
  }

  /// Sets a deadline anew, moves it, removes it, or lets time pass.
  mutating func step() {
    let index = Int.random(in: connections.indices, using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0...5: set(index, ahead: randomDistance())
    case 6:
      wheel.remove(connections[index])
      deadlines[index] = nil
    default: advance(by: Int.random(in: 1...400, using: &random))
    }
  }

  /// Lets all deadlines come.
  mutating func runOut() {
    while deadlines.contains(where: { $0 != nil }) && mistakes.isEmpty {
      let next = deadlines.compactMap { $0 }.min() ?? 0
      advance(by: max(1, next - elapsed))
    }
    if wheel.ticksToNext != nil { mistakes.append("the wheel is not empty at the end") }
  }

  private mutating func randomDistance() -> Int {
    let most = [3, 70, 1023, 1030, 9000].randomElement(using: &random) ?? 1
    return Int.random(in: 1...most, using: &random)
  }

  private mutating func set(_ index: Int, ahead: Int) {
    deadlines[index] = elapsed + ahead
    wheel.set(connections[index], tick: tick(elapsed + ahead))
    checkNext()
  }

  /// As a reactor does that is told at most what `ticksToNext` says, and sometimes oversleeps.
  private mutating func advance(by ticks: Int) {
    elapsed += ticks
    while let connection = wheel.nextExpired(upTo: tick(elapsed)) {
      let index = Int(connection.pointee.index)
      expiredCount += 1
      switch deadlines[index] {
      case nil: mistakes.append("\(index) came and has no deadline")
      case .some(let deadline) where deadline > elapsed:
        mistakes.append("\(index) came \(deadline - elapsed) ticks early")
      case .some: deadlines[index] = nil
      }
    }
    for (index, deadline) in deadlines.enumerated() {
      if let deadline, deadline <= elapsed { mistakes.append("\(index) did not come") }
    }
    checkNext()
  }

  /// Sleeping for so long must never be too long; it may be too short, to move what was far away.
  private mutating func checkNext() {
    guard let next = deadlines.compactMap({ $0 }).min() else { return }
    guard let ticks = wheel.ticksToNext else { return mistakes.append("nothing is to come") }
    if Int(ticks) > next - elapsed { mistakes.append("would sleep \(ticks) ticks") }
  }

  private func tick(_ elapsed: Int) -> UInt32 {
    start &+ UInt32(elapsed)
  }
}
