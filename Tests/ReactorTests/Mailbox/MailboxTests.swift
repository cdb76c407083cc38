import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite("The mailbox")
struct MailboxTests {
  @Test("gives back all that was posted, oldest first, once")
  func order() {
    let box = TestMailbox()
    #expect(box.takeAll() == [])
    for value in 0..<100 { #expect(box.post(value)) }
    #expect(box.takeAll() == Array(0..<100))
    #expect(box.takeAll() == [])
  }

  @Test("a batch posted to one that sleeps wakes it once; to one that is awake, never")
  func oneWake() {
    let box = TestMailbox()
    for value in 0..<10 { box.post(value) }
    #expect(box.takeWakeCount() == 0, "it was awake")
    #expect(box.takeAll().count == 10)
    #expect(box.prepareToSleep())
    for value in 0..<10 { box.post(value) }
    #expect(box.takeWakeCount() == 1)
    box.pointee.hasWoken()
    #expect(box.takeAll().count == 10)
    box.post(0)
    #expect(box.takeWakeCount() == 0)
  }

  @Test("one with something in it must not sleep, and is not woken")
  func noSleep() {
    let box = TestMailbox()
    box.post(1)
    #expect(!box.prepareToSleep())
    box.post(2)
    #expect(box.takeWakeCount() == 0)
    #expect(box.takeAll() == [1, 2])
    #expect(box.prepareToSleep())
  }

  @Test("a closed one refuses, gives back what it had, and takes posts again when it is opened")
  func closed() {
    let box = TestMailbox()
    box.post(1)
    box.post(2)
    #expect(box.close() == [1, 2])
    #expect(!box.post(3))
    #expect(box.close() == [])
    #expect(box.takeAll() == [])
    box.pointee.open()
    #expect(box.post(4))
    #expect(box.takeAll() == [4])
  }

  @Test("each producer's posts come in its order, none is lost, and no wake is")
  func hammer() throws {
    let box = TestMailbox()
    let producerCount = 4
    let postCount = 50_000
    let producers = try (0..<producerCount).map { producer in
      try Thread.start(name: "producer") {
        var random = SeededGenerator(seed: UInt64(producer))
        for number in 0..<postCount {
          if !box.post(producer << 32 | number) { Issue.record("refused") }
          // Now and then, so that the consumer falls asleep at all moments.
          if UInt8.random(in: 0...63, using: &random) == 0 { sched_yield() }
        }
      }
    }
    var next = Array(repeating: 0, count: producerCount)
    var receivedCount = 0
    var sleepCount = 0
    while receivedCount < producerCount * postCount {
      for value in box.takeAll() {
        let (producer, number) = (value >> 32, value & 0xFFFF_FFFF)
        if next[producer] != number { Issue.record("\(number) of \(producer) is out of order") }
        next[producer] = number + 1
        receivedCount += 1
      }
      guard receivedCount < producerCount * postCount, box.prepareToSleep() else { continue }
      sleepCount += 1
      // A lost wake shows here: what was posted stays in the box while the consumer sleeps.
      try #require(box.sleep(milliseconds: 5000), "slept through a post")
      box.pointee.hasWoken()
    }
    for producer in producers { producer.join() }
    #expect(next == Array(repeating: postCount, count: producerCount))
    #expect(sleepCount > 0)
  }

  @Test("what is posted while it is being closed is either taken by closing or refused")
  func closing() throws {
    for round in 0..<200 {
      let box = TestMailbox()
      let acceptedCount = Atomic<Int>(0)
      let producer = try Thread.start(name: "producer") {
        while box.post(round) { acceptedCount.add(1, ordering: .relaxed) }
      }
      while acceptedCount.load(ordering: .relaxed) < 10 { sched_yield() }
      let takenCount = box.close().count
      producer.join()
      #expect(takenCount == acceptedCount.load(ordering: .relaxed))
    }
  }
}
