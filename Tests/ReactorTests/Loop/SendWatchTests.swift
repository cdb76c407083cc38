import Testing

@testable import Reactor

@Suite("Whether a peer takes what it is sent")
struct SendWatchTests {
  private let second: Int64 = 1_000_000_000
  private let limits = SendWatch.Limits(
    answerNanoseconds: 4_000_000_000, stallNanoseconds: 20_000_000_000)

  private func acknowledged(_ count: Int64, left: Int64) -> SocketBytes {
    SocketBytes(
      acknowledgedByteCount: count, unacknowledgedByteCount: left, unreadByteCount: 0)
  }

  @Test("the first look says nothing, a later one whether there is more than before")
  func looks() {
    var watch = SendWatch(limits: nil, nowNanoseconds: 0)
    let look = { (watch: inout SendWatch, count: Int64, time: Int64) in
      watch.look(
        acknowledged(count, left: 10), queuedByteCount: 0, nowNanoseconds: time,
        byteCountPerSecond: 0)
    }
    #expect(!look(&watch, 100, second))
    #expect(!look(&watch, 100, 2 * second))
    #expect(!look(&watch, 1123, 3 * second), "a few pings")
    #expect(look(&watch, 1124, 3 * second))
    #expect(watch.sinceNanoseconds == 3 * second)
    #expect(!look(&watch, 1124, 4 * second))
    #expect(watch.nanosecondsToNextLook(nowNanoseconds: 4 * second) == nil)
  }

  @Test("fewer bytes than the least rate are none, but the last ones always count")
  func rate() {
    var watch = SendWatch(limits: limits, nowNanoseconds: 0)
    let look = { (watch: inout SendWatch, count: Int64, left: Int64, time: Int64) in
      watch.look(
        acknowledged(count, left: left), queuedByteCount: 0, nowNanoseconds: time,
        byteCountPerSecond: 100)
    }
    #expect(!look(&watch, 0, 500, 0))
    #expect(!look(&watch, 99, 401, second))
    #expect(look(&watch, 200, 300, 2 * second))
    #expect(!look(&watch, 299, 201, 3 * second))
    #expect(look(&watch, 300, 0, 4 * second), "the last one")
    #expect(!look(&watch, 300, 0, 5 * second))
  }

  @Test("where acknowledged bytes are not counted, those that have left the kernel are")
  func handed() {
    var watch = SendWatch(limits: limits, nowNanoseconds: 0)
    let look = { (watch: inout SendWatch, left: Int64, time: Int64) in
      watch.look(
        SocketBytes(unacknowledgedByteCount: left), queuedByteCount: 0, nowNanoseconds: time,
        byteCountPerSecond: 0)
    }
    #expect(!look(&watch, 1000, 0))
    // A ping that nobody takes.
    watch.handedByteCount += 2
    #expect(!look(&watch, 1002, second))
    #expect(look(&watch, 900, 2 * second))
    #expect(!look(&watch, 950, 3 * second))
    #expect(!look(&watch, 900, 4 * second))
  }

  @Test("the time for an answer counts from the last byte, that of a stall is longer")
  func times() {
    var watch = SendWatch(limits: limits, nowNanoseconds: 0)
    #expect(watch.nanosecondsToNextLook(nowNanoseconds: 0) == second + 1)
    _ = watch.look(
      acknowledged(0, left: 10), queuedByteCount: 0, nowNanoseconds: second, byteCountPerSecond: 0)
    #expect(watch.nanosecondsToNextLook(nowNanoseconds: 5 * second) == second + 1)
    #expect(watch.nanosecondsToNextLook(nowNanoseconds: 20 * second) == 0)
    _ = watch.look(
      acknowledged(10, left: 0), queuedByteCount: 0, nowNanoseconds: 19 * second,
      byteCountPerSecond: 0)
    #expect(watch.nanosecondsToNextLook(nowNanoseconds: 22 * second + second / 2) == second / 2)
    #expect(watch.nanosecondsToNextLook(nowNanoseconds: 23 * second) == 0)
    // What waits in the queue has not been taken either.
    _ = watch.look(
      acknowledged(10, left: 0), queuedByteCount: 5, nowNanoseconds: 23 * second,
      byteCountPerSecond: 0)
    #expect(watch.nanosecondsToNextLook(nowNanoseconds: 24 * second) == second + 1)
  }

  @Test("a table holds watches by any index, and its memory only as long as there are some")
  func table() {
    var watches = SendWatches()
    #expect(watches[70_000] == nil)
    watches[70_000] = nil
    #expect(watches.holdsMemory == false)
    for index: UInt32 in [3, 70_000, 3] {
      watches[index] = SendWatch(limits: nil, nowNanoseconds: Int64(index))
    }
    #expect(watches.count == 2 && watches[4] == nil && watches[69_999] == nil)
    watches[3]?.handedByteCount += 5
    #expect(watches[3]?.handedByteCount == 5 && watches[70_000]?.sinceNanoseconds == 70_000)
    watches[3] = nil
    watches.trim()
    #expect(watches.count == 1 && watches[3] == nil && watches[70_000] != nil)
    watches[70_000] = nil
    watches.trim()
    #expect(watches.holdsMemory == false)
    #expect(watches[70_000] == nil)
  }
}
