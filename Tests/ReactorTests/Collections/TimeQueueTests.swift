import Testing

@testable import Reactor

@Suite("A queue of times")
struct TimeQueueTests {
  /// What was to be run, sorted by time and then as it was added.
  private struct Model {
    var waiting: [(nanoseconds: Int64, number: Int)] = []

    mutating func takeDue(_ now: Int64) -> [Int] {
      waiting.sort { ($0.nanoseconds, $0.number) < ($1.nanoseconds, $1.number) }
      let count = waiting.firstIndex { $0.nanoseconds > now } ?? waiting.count
      defer { waiting.removeFirst(count) }
      return waiting[..<count].map(\.number)
    }
  }

  @Test(
    "come in the order of their times, and of two at one time as they were added", arguments: 1...4)
  func model(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var queue = TimeQueue<Int>()
    var model = Model()
    var now: Int64 = 0
    #expect(queue.nextNanoseconds == .max)
    for number in 0..<4000 {
      let width = Int64([1, 10, 1_000_000].randomElement(using: &random) ?? 1)
      let time = now + Int64.random(in: -width...width, using: &random)
      queue.add(number, atNanoseconds: time)
      model.waiting.append((time, number))
      #expect(queue.nextNanoseconds == model.waiting.map(\.nanoseconds).min())
      guard number % 5 == 0 else { continue }
      now += Int64.random(in: 0...3_000, using: &random)
      #expect(takeAll(&queue, now) == model.takeDue(now))
    }
    #expect(takeAll(&queue, .max) == model.takeDue(.max))
    #expect(queue.nextNanoseconds == .max)
    #expect(queue.takeDue(atNanoseconds: .max) == nil)
  }

  @Test("may be very many, and at the ends of time")
  func many() {
    var queue = TimeQueue<Int>()
    let count = 1_000_000
    // Each time once, in an order that looks random: 7919 is a prime.
    for number in 0..<count {
      let time = number * 7919 % count
      queue.add(time, atNanoseconds: Int64(time))
    }
    queue.add(-1, atNanoseconds: .min)
    queue.add(count, atNanoseconds: .max)
    #expect(takeAll(&queue, Int64(count / 2)) == Array(-1...count / 2))
    #expect(queue.nextNanoseconds == Int64(count / 2 + 1))
    #expect(takeAll(&queue, .max) == Array(count / 2 + 1...count))
  }

  @Test("gives out what was added up to a number, and leaves what came later")
  func numbers() {
    var queue = TimeQueue<Int>()
    queue.add(0, atNanoseconds: 5)
    let last = queue.lastNumber
    queue.add(1, atNanoseconds: 5)
    #expect(queue.takeDue(atNanoseconds: 5, upToNumber: last) == 0)
    #expect(queue.takeDue(atNanoseconds: 5, upToNumber: last) == nil)
    #expect(takeAll(&queue, 5) == [1])
  }

  private func takeAll(_ queue: inout TimeQueue<Int>, _ now: Int64) -> [Int] {
    var taken: [Int] = []
    while let next = queue.takeDue(atNanoseconds: now) { taken.append(next) }
    return taken
  }
}
