import Testing

@testable import Reactor

@Suite("What a reactor knows of a topic")
struct TopicShardTests {
  private let reactor: UInt32 = 1_000_000
  private let log = TopicLog(limits: TopicLimits(historyByteCount: 1 << 20))

  /// A shard whose first subscription began with a message, with so many messages of 10 bytes published.
  private func makeShard(from ordinal: UInt64, messageCount: Int) throws -> TopicShard {
    for number in 0..<messageCount {
      _ = log.append(10, key: UInt64(number % 3)) {
        $0.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: number))
      }
    }
    let shard = TopicShard(log)
    shard.hold(try log.attach(reactor, from: ordinal))
    shard.state.value.end = log.endOrdinal
    return shard
  }

  @Test("finds each message, whichever was looked for before")
  func segments() throws {
    let shard = try makeShard(from: 0, messageCount: 5000)
    for ordinal in [0, 4999, 17, 4000, 16, 2500, 2499, 5000] as [UInt64] {
      let segment = shard.segment(of: ordinal)
      #expect(segment.byte(of: ordinal) == ordinal * 10)
      guard ordinal < 5000 else { continue }
      let byte = (segment.bytes + segment.offset(of: ordinal)).load(as: UInt8.self)
      #expect(byte == UInt8(truncatingIfNeeded: ordinal))
    }
  }

  @Test("holds from the older of two subscriptions on, in whatever order they come")
  func holding() throws {
    let shard = try makeShard(from: 4000, messageCount: 5000)
    let first = shard.state.value.first?.pointee.firstOrdinal ?? 0
    #expect(first > 0 && first <= 4000)
    shard.hold(try log.attach(reactor, from: 0))
    #expect(shard.state.value.first?.pointee.firstOrdinal == 0)
    shard.hold(try log.attach(reactor, from: 4500))
    #expect(shard.state.value.first?.pointee.firstOrdinal == 0)
    #expect(shard.segment(of: 1).byte(of: 1) == 10)
  }

  @Test("knows how far a subscriber lags, and where it would not lag any further than allowed")
  func lag() throws {
    let shard = try makeShard(from: 0, messageCount: 5000)
    for ordinal in [0, 1, 2048, 4999, 5000] as [UInt64] {
      #expect(shard.byteCount(from: ordinal) == Int(5000 - ordinal) * 10)
    }
    #expect(shard.ordinal(within: 0, notBefore: 0) == 5000)
    #expect(shard.ordinal(within: 9, notBefore: 0) == 5000)
    #expect(shard.ordinal(within: 10, notBefore: 0) == 4999)
    #expect(shard.ordinal(within: 40_005, notBefore: 0) == 1000)
    #expect(shard.ordinal(within: 40_005, notBefore: 2000) == 2000)
    #expect(shard.ordinal(within: .max, notBefore: 0) == 0)
  }

  @Test("lets go of segments that nobody needs, and of no other")
  func releasing() throws {
    let shard = try makeShard(from: 0, messageCount: 20_000)
    let found = shard.state.value.first?.next?.next
    let third = try #require(found)
    let ordinal = third.pointee.firstOrdinal
    #expect(shard.release(before: ordinal - 1) > 0)
    #expect(shard.segment(of: ordinal - 1).byte(of: ordinal - 1) == (ordinal - 1) * 10)
    #expect(shard.release(before: ordinal) > 0)
    #expect(shard.state.value.first == third)
    #expect(shard.release(before: ordinal) == 0)
    // The last one stays: what comes next follows from it.
    _ = shard.release(before: .max)
    #expect(shard.state.value.first?.next == nil)
    #expect(shard.segment(of: 20_000).byte(of: 20_000) == 200_000)
    shard.releaseAll()
    #expect(shard.state.value.first == nil)
  }

  @Test("knows the newest of each key, and forgets keys that have not come for long")
  func keys() throws {
    let shard = try makeShard(from: 0, messageCount: 9)
    // Keys 0 (none), 1, 2 in turn: the newest of them are 7 and 8.
    shard.state.value.newestByKey = [1: 7, 2: 8]
    #expect((0..<9).map { shard.isSuperseded($0) }.firstIndex(of: false) == 0)
    #expect(shard.isSuperseded(1) && shard.isSuperseded(5))
    #expect(!shard.isSuperseded(7) && !shard.isSuperseded(8))
    #expect(
      !shard.isSuperseded(0) && !shard.isSuperseded(6), "those without a key are all different")

    for key in 10..<5000 as Range<UInt64> { shard.state.value.newestByKey[key] = 3 }
    shard.pruneKeys(before: 4)
    #expect(shard.state.value.newestByKey == [1: 7, 2: 8])
    shard.state.value.newestByKey[3] = 3
    shard.pruneKeys(before: 4)
    #expect(shard.state.value.newestByKey.count == 3, "a few are no reason to look")
  }
}
