import Testing

@testable import WebSocket

@Suite("The race between addresses")
struct AddressRaceTests {
  private static let millisecond: Int64 = 1_000_000

  @Test("tries the next address 250 ms after the one before, which goes on")
  func delay() {
    var race = AddressRace(addressCount: 3, delayMilliseconds: 250)
    #expect(race.next(atNanoseconds: 1000) == .connect(to: 0))
    let second = 1000 + 250 * Self.millisecond
    #expect(race.began(0, atNanoseconds: 1000) == .wait(untilNanoseconds: second))
    #expect(race.next(atNanoseconds: second - 1) == .wait(untilNanoseconds: second))
    #expect(race.next(atNanoseconds: second) == .connect(to: 1))
    let third = second + 250 * Self.millisecond
    #expect(race.began(1, atNanoseconds: second) == .wait(untilNanoseconds: third))
    // Not the newest: nothing follows from it.
    #expect(race.failed(0, atNanoseconds: second + 1) == .wait(untilNanoseconds: third))
    #expect(race.next(atNanoseconds: third) == .connect(to: 2))
    #expect(race.began(2, atNanoseconds: third) == .none)
    #expect(race.failed(2, atNanoseconds: third + 1) == .none)
    #expect(race.failed(1, atNanoseconds: third + 2) == .fail)
  }

  @Test("tries the next address at once if the newest has failed, but not within 10 ms of it")
  func failures() {
    var race = AddressRace(addressCount: 4, delayMilliseconds: 250)
    #expect(race.next(atNanoseconds: 0) == .connect(to: 0))
    _ = race.began(0, atNanoseconds: 0)
    let early = 10 * Self.millisecond
    #expect(race.failed(0, atNanoseconds: 1) == .wait(untilNanoseconds: early))
    #expect(race.next(atNanoseconds: early) == .connect(to: 1))
    _ = race.began(1, atNanoseconds: early)
    let later = 100 * Self.millisecond
    #expect(race.failed(1, atNanoseconds: later) == .connect(to: 2))
    // Nothing has been sent to this one.
    #expect(race.failed(2, atNanoseconds: later) == .connect(to: 3))
    #expect(race.failed(3, atNanoseconds: later) == .fail)
    #expect(race.next(atNanoseconds: later) == .none)
  }

  @Test("does not begin another address when it has been decided")
  func decided() {
    var race = AddressRace(addressCount: 3, delayMilliseconds: 250)
    _ = race.next(atNanoseconds: 0)
    _ = race.began(0, atNanoseconds: 0)
    race.end()
    #expect(race.next(atNanoseconds: .max) == .none)
    #expect(race.failed(0, atNanoseconds: .max) == .none)
  }

  @Test("of one address waits for it alone, and of none fails")
  func few() {
    var single = AddressRace(addressCount: 1, delayMilliseconds: 250)
    #expect(single.next(atNanoseconds: 5) == .connect(to: 0))
    #expect(single.began(0, atNanoseconds: 5) == .none)
    #expect(single.failed(0, atNanoseconds: 6) == .fail)
    var none = AddressRace(addressCount: 0, delayMilliseconds: 250)
    #expect(none.next(atNanoseconds: 5) == .fail)
  }

  @Test(
    "takes any delay, and waits no less than 10 ms and no more than 2 s",
    arguments: [
      (Int.min, 10), (-1, 10), (0, 10), (9, 10), (10, 10), (11, 11), (2_000, 2_000), (2_001, 2_000),
      (Int.max, 2_000),
    ])
  func bounds(milliseconds: Int, used: Int) {
    var race = AddressRace(addressCount: 2, delayMilliseconds: milliseconds)
    _ = race.next(atNanoseconds: 0)
    let time = Int64(used) * Self.millisecond
    #expect(race.began(0, atNanoseconds: 0) == .wait(untilNanoseconds: time))
  }

  @Test("tries each address once and never two within 10 ms, whatever becomes of them")
  func anyCourse() {
    for seed in 0..<500 {
      var number = UInt64(seed)
      func next(_ count: Int) -> Int {
        number = number &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(number >> 33) % count
      }
      let count = 1 + next(8)
      var race = AddressRace(addressCount: count, delayMilliseconds: 10 + next(300))
      var now: Int64 = 0
      var starts: [Int64] = []
      var running: [Int] = []
      var action = race.next(atNanoseconds: now)
      var due = Int64.max
      while action != .fail {
        switch action {
        case .connect(let position):
          #expect(position == starts.count)
          #expect(starts.last.map { now - $0 >= 10 * Self.millisecond } ?? true)
          starts.append(now)
          running.append(position)
          due = .max
          action = race.began(position, atNanoseconds: now)
        case .wait(let time):
          due = time
          action = .none
        case .none, .fail:
          let failure = now + Int64(next(400)) * Self.millisecond
          now = running.isEmpty ? due : min(due, failure)
          action =
            now == due || running.isEmpty
            ? race.next(atNanoseconds: now)
            : race.failed(running.remove(at: next(running.count)), atNanoseconds: now)
        }
      }
      #expect(starts.count == count && running.isEmpty)
    }
  }
}
