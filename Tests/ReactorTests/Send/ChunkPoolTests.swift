import Testing

@testable import Reactor

@Suite("The pool of chunks")
struct ChunkPoolTests {
  /// What fits into each size: its block without the header.
  static let sizes = (0..<4).map { ChunkPool.blockByteCounts[$0] - ChunkPool.headerByteCount }

  @Test("a chunk has room for what was asked, in the smallest size that has", arguments: 0..<4)
  func classes(size: Int) {
    var pool = ChunkPool()
    let smallest = size == 0 ? 0 : Self.sizes[size - 1] + 1
    for byteCount in [smallest, Self.sizes[size]] {
      let chunk = pool.take(byteCount)
      #expect(chunk.pointee.capacity == Self.sizes[size])
      #expect(UInt(bitPattern: chunk.bytes) % 16 == 0)
      pool.giveBack(chunk)
    }
  }

  @Test("a 64 KiB message with its header is pooled; more than the largest is made and freed alone")
  func large() {
    var pool = ChunkPool()
    let message = pool.take(65536 + 14)
    #expect(message.pointee.capacity == Self.sizes[3])
    pool.giveBack(message)
    let huge = pool.take(1_000_000)
    #expect(huge.pointee.capacity == 1_000_000)
    pool.giveBack(huge)
    let spare = pool.take(Self.sizes[3])
    #expect(spare == message, "the huge one is not in the pool")
    pool.giveBack(spare)
  }

  @Test("a steady load takes the same chunks again and again")
  func steady() {
    var pool = ChunkPool()
    var first: Set<OutboundChunkPointer>?
    for _ in 0..<50 {
      let taken = (0..<100).map { pool.take(Self.sizes[$0 % 4]) }
      for chunk in taken { pool.giveBack(chunk) }
      _ = pool.trim()
      let chunks = Set(taken)
      #expect(chunks.count == 100)
      if let first { #expect(chunks == first) }
      first = first ?? chunks
    }
  }

  @Test("what nobody needs is given back by halves, down to a floor")
  func trim() {
    var pool = ChunkPool()
    let taken = (0..<4096).map { _ in pool.take(1) }
    for chunk in taken { pool.giveBack(chunk) }
    #expect(pool.trim() == 0, "all of it was needed a moment ago")
    let half = pool.trim()
    #expect(half == 2048 * 512)
    #expect(pool.trim() == 1024 * 512)
    for _ in 0..<30 { _ = pool.trim() }
    #expect(pool.trim() == 0)
    let left = Set((0..<512).map { _ in pool.take(1) })
    #expect(left.isSubset(of: Set(taken)), "256 KiB are kept")
    for chunk in left { pool.giveBack(chunk) }
  }

  @Test("what other threads have made takes what it needs, and does not gather in the pool")
  func foreign() {
    var pool = ChunkPool()
    let own = pool.take(100)
    pool.giveBack(own)
    for byteCount in [1, 100, 2000, 60_000] {
      let posted = PostedChunk(byteCount: byteCount, kind: 0) { _ in }
      #expect(posted.pointer.pointee.capacity == byteCount)
      pool.giveBack(posted.pointer)
    }
    let again = (pool.take(100), pool.take(100))
    #expect(again.0 == own, "of the pool's own, and then new ones")
    #expect(again.1.pointee.capacity == Self.sizes[0])
    pool.giveBack(again.0)
    pool.giveBack(again.1)
  }

  @Test("a chunk given back has nothing left of its last use")
  func reset() {
    var pool = ChunkPool()
    let chunk = pool.take(100)
    chunk.pointee.start = 3
    chunk.pointee.end = 50
    chunk.pointee.firstOrdinal = 9
    chunk.pointee.kind = 4
    chunk.pointee.flags = [.isSealed, .isDroppable]
    chunk.pointee.connectionIndex = 5
    chunk.pointee.completion = { _ in }
    pool.giveBack(chunk)
    let again = pool.take(100)
    #expect(again == chunk)
    let header = again.pointee
    #expect(header.start == 0 && header.end == 0 && header.firstOrdinal == 0 && header.kind == 0)
    #expect(header.flags == [] && header.connectionIndex == ConnectionRecord.noIndex)
    #expect(header.completion == nil && header.next == nil)
    pool.giveBack(again)
  }
}
