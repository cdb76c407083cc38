import Testing

@testable import Reactor

@Suite("The timer wheel")
struct TimerWheelTests {
  @Test(
    "does as a plain table of deadlines does, whatever is set, moved and removed", arguments: 0..<8)
  func model(seed: UInt64) throws {
    // The later seeds pass the end of what a tick can count.
    let start = seed < 5 ? UInt32(seed) * 977 : UInt32.max - UInt32(seed) * 1500
    var model = try TimerModel(seed: seed, start: start, connectionCount: 200)
    for _ in 0..<3000 { model.step() }
    model.runOut()
    #expect(model.mistakes == [])
    #expect(model.expiredCount > 500)
  }

  @Test(
    "a deadline comes with its tick, not before",
    arguments: [1, 2, 1022, 1023, 1024, 1025, 5000, 100_000])
  func exact(ahead: UInt32) throws {
    let slab = ConnectionSlab(capacity: 4, attachmentByteCount: 0)
    var wheel = TimerWheel(slab: slab, now: 77)
    let connection = try #require(slab.allocate())
    wheel.set(connection, tick: 77 + ahead)
    let before = wheel.nextExpired(upTo: 76 + ahead)
    let exactly = wheel.nextExpired(upTo: 77 + ahead)
    let after = wheel.nextExpired(upTo: 78 + ahead)
    #expect(before == nil)
    #expect(exactly == connection)
    #expect(after == nil)
    let ticks = wheel.ticksToNext
    #expect(ticks == nil)
  }

  @Test("a deadline that has passed already comes with the next tick")
  func passed() throws {
    let slab = ConnectionSlab(capacity: 4, attachmentByteCount: 0)
    var wheel = TimerWheel(slab: slab, now: 100)
    let connection = try #require(slab.allocate())
    wheel.set(connection, tick: 40)
    let ticks = wheel.ticksToNext
    #expect(ticks == 1)
    let expired = wheel.nextExpired(upTo: 101)
    #expect(expired == connection)
  }

  @Test("tells to the tick how long there is nothing to do, also across the wheel's end")
  func next() throws {
    let slab = ConnectionSlab(capacity: 4, attachmentByteCount: 0)
    for now: UInt32 in [0, 1, 63, 64, 1000, 1023, .max - 3] {
      for ahead: UInt32 in [1, 2, 63, 64, 65, 1000, 1023] {
        var wheel = TimerWheel(slab: slab, now: now)
        let connection = try #require(slab.allocate())
        wheel.set(connection, tick: now &+ ahead)
        let ticks = wheel.ticksToNext
        #expect(ticks == ahead, "from \(now)")
        wheel.remove(connection)
        let none = wheel.ticksToNext
        #expect(none == nil)
        slab.release(connection)
      }
    }
  }

  @Test("a tick begins at or after the time it is made from")
  func ticks() {
    let perTick = TimerWheel.nanosecondsPerTick
    #expect(TimerWheel.tick(atNanoseconds: 0) == 0)
    #expect(TimerWheel.tick(atNanoseconds: 1) == 1)
    #expect(TimerWheel.tick(atNanoseconds: perTick) == 1)
    #expect(TimerWheel.tick(atNanoseconds: perTick + 1) == 2)
    #expect(TimerWheel.tick(atNanoseconds: perTick << 32 + perTick) == 1, "and wraps")
  }
}
