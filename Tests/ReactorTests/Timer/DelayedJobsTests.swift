import Testing

@testable import Reactor

@Suite("Delayed jobs")
struct DelayedJobsTests {
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
    var jobs = DelayedJobs()
    var model = Model()
    let ran = RanJobs()
    var now: Int64 = 0
    #expect(jobs.nextNanoseconds == .max)
    for number in 0..<4000 {
      let width = Int64([1, 10, 1_000_000].randomElement(using: &random) ?? 1)
      let time = now + Int64.random(in: -width...width, using: &random)
      jobs.add({ _ in ran.add(number) }, atNanoseconds: time)
      model.waiting.append((time, number))
      #expect(jobs.nextNanoseconds == model.waiting.map(\.nanoseconds).min())
      guard number % 5 == 0 else { continue }
      now += Int64.random(in: 0...3_000, using: &random)
      for job in jobs.takeDue(atNanoseconds: now) { job(.sent) }
      #expect(ran.take() == model.takeDue(now))
    }
    for job in jobs.takeDue(atNanoseconds: .max) { job(.closed) }
    #expect(ran.take() == model.takeDue(.max))
    #expect(jobs.nextNanoseconds == .max)
    #expect(jobs.takeDue(atNanoseconds: .max).isEmpty)
  }

  @Test("may be very many, and at the ends of time")
  func many() {
    var jobs = DelayedJobs()
    let ran = RanJobs()
    let count = 1_000_000
    // Each time once, in an order that looks random: 7919 is a prime.
    for number in 0..<count {
      let time = number * 7919 % count
      jobs.add({ _ in ran.add(time) }, atNanoseconds: Int64(time))
    }
    jobs.add({ _ in ran.add(-1) }, atNanoseconds: .min)
    jobs.add({ _ in ran.add(count) }, atNanoseconds: .max)
    for job in jobs.takeDue(atNanoseconds: Int64(count / 2)) { job(.sent) }
    #expect(ran.take() == Array(-1...count / 2))
    #expect(jobs.nextNanoseconds == Int64(count / 2 + 1))
    for job in jobs.takeDue(atNanoseconds: .max) { job(.sent) }
    #expect(ran.take() == Array(count / 2 + 1...count))
  }
}

/// Numbers that jobs leave.
private final class RanJobs: Sendable {
  private let numbers = ConditionLock<[Int]>([])

  func add(_ number: Int) { numbers.withLock { $0.append(number) } }

  func take() -> [Int] {
    numbers.withLock { numbers in
      defer { numbers = [] }
      return numbers
    }
  }
}
