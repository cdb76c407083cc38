import Testing

@testable import Reactor

/// What is published and kept, without reactors: those of these numbers are told nothing.
@Suite("A topic's log")
struct TopicLogTests {
  private let reactor: UInt32 = 1_000_000

  @Test("keeps nothing for nobody, and counts all the same")
  func nobody() throws {
    let log = TopicLog(limits: TopicLimits())
    var isFilled = false
    #expect(log.append(10) { _ in isFilled = true } == 0)
    #expect(log.append(100_000) { $0.initializeMemory(as: UInt8.self, repeating: 1) } == 1)
    #expect(!isFilled && log.endOrdinal == 2 && log.keptByteCount == 0)
    #expect(log.counters.published.messageCount == 2)
    let start = try log.attach(reactor, from: nil)
    #expect(start.ordinal == 2 && start.end == 2)
    start.segment.releaseChain()
    log.detach(reactor)
  }

  @Test("keeps at most as many bytes as it was told, entries counted, but for its last segment")
  func historyByBytes() throws {
    let limit = 20_000
    let log = TopicLog(limits: TopicLimits(historyByteCount: limit))
    for number in 0..<2000 {
      publish(log, 1 + number * 7 % 90)
      let oldest = try oldestOrdinal(log)
      #expect(log.keptByteCount <= limit)
      #expect(oldest == 0 || log.keptByteCount > limit * 3 / 4 - 200)
    }
  }

  @Test("keeps a message that is larger than its history, until the next one comes")
  func largeMessage() throws {
    let log = TopicLog(limits: TopicLimits(historyByteCount: 1000))
    publish(log, 100)
    publish(log, 50_000)
    #expect(try oldestOrdinal(log) == 1)
    #expect(log.keptByteCount == 50_024)
    publish(log, 100)
    #expect(try oldestOrdinal(log) == 2)
    #expect(log.keptByteCount == 124)
  }

  @Test("lets go of what is too old when something newer is published")
  func historyByAge() throws {
    let log = TopicLog(
      limits: TopicLimits(historyByteCount: 1 << 20, historyMilliseconds: 3_600_000))
    for _ in 0..<200 { publish(log, 1000) }
    let start = try log.attach(reactor, from: 0)
    var last = start.segment
    while let next = last.next {
      last.fill.lastNanoseconds -= 3_601_000_000_000
      last = next
    }
    #expect(try oldestOrdinal(log) == 0)
    publish(log, 1)
    #expect(try oldestOrdinal(log) == last.pointee.firstOrdinal)
    // Who has subscribed has it all the same.
    #expect(start.segment.pointee.firstOrdinal == 0 && start.segment.fill.messageCount > 0)
    start.segment.releaseChain()
    log.detach(reactor)
  }

  @Test("can be read from any position that is kept, and from no other")
  func positions() throws {
    let log = TopicLog(limits: TopicLimits(historyByteCount: 5000))
    for _ in 0..<500 { publish(log, 20) }
    let oldest = try oldestOrdinal(log)
    #expect(oldest > 0)
    for ordinal in oldest...500 {
      let start = try log.attach(reactor, from: ordinal)
      #expect(start.ordinal == ordinal && start.end == 500)
      #expect(start.segment.pointee.firstOrdinal <= ordinal)
      #expect(start.segment.next.map { $0.pointee.firstOrdinal > ordinal } ?? true)
      start.segment.releaseChain()
      log.detach(reactor)
    }
    for ordinal in [0, oldest - 1, 501, .max] {
      #expect(throws: TopicPositionGone.self) { try log.attach(reactor, from: ordinal) }
    }
    #expect(log.subscriberCount == 0 && !log.hasLink(reactor))
  }

  @Test("counts the subscriptions of each reactor, and forgets a reactor with its last one")
  func links() throws {
    let log = TopicLog(limits: TopicLimits())
    for number in [reactor, reactor, reactor + 1] {
      try log.attach(number, from: nil).segment.releaseChain()
    }
    #expect(log.subscriberCount == 3)
    log.detach(reactor)
    #expect(log.hasLink(reactor) && log.subscriberCount == 2)
    log.detach(reactor)
    log.detach(reactor)
    #expect(!log.hasLink(reactor) && log.hasLink(reactor + 1) && log.subscriberCount == 1)
    log.detach(reactor + 1)
    #expect(log.subscriberCount == 0)
  }

  @Test("gives a large segment back once nothing is added to it any more")
  func compacting() throws {
    let log = TopicLog(limits: TopicLimits())
    let start = try log.attach(reactor, from: nil)
    for _ in 0..<100 { publish(log, 1000) }
    // The first time only notes where the end is.
    _ = log.compact()
    publish(log, 1000)
    _ = log.compact()
    let before = log.keptByteCount
    _ = log.compact()
    #expect(before > 0 && log.keptByteCount == 0)
    publish(log, 1)
    #expect(log.keptByteCount == 25)
    start.segment.releaseChain()
    log.detach(reactor)
  }

  private func publish(_ log: TopicLog, _ byteCount: Int) {
    _ = log.append(byteCount) { $0.initializeMemory(as: UInt8.self, repeating: 1) }
  }

  /// Asked for with a position that has not come.
  private func oldestOrdinal(_ log: TopicLog) throws -> UInt64 {
    let error = #expect(throws: TopicPositionGone.self) { try log.attach(reactor, from: .max) }
    return try #require(error).oldestOrdinal
  }
}
