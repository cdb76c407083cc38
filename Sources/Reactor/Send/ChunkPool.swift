internal import CURing
internal import Glibc

/// Chunks that wait to be used again, in a few sizes. One reactor's. Other threads make theirs with
/// `makeUnpooled`, which are freed when they have been sent: they never take from the pool, so it
/// would only grow by what they bring.
@safe struct ChunkPool: ~Copyable {
  /// Bytes of a whole block, header included. The largest takes a 64 KiB message and its header.
  static let blockByteCounts: [4 of Int] = [512, 4096, 20 * 1024, 68 * 1024]
  /// Bytes that each size keeps at least, so that a steady load allocates nothing.
  private static let keptByteCount = 256 * 1024
  private static let unpooledClass = UInt8.max
  /// The class of references, which have no room: a list of its own.
  private static let referenceClass = 4
  static var headerByteCount: Int { unsafe OutboundChunkPointer.headerByteCount }

  private var lists: [5 of FreeList] = .init(repeating: FreeList())
  /// Bytes of blocks for no list that were freed since the last trim, and before it.
  private var freedByteCount = 0
  private var owedByteCount = 0

  @safe private struct FreeList {
    var head: OutboundChunkPointer?
    var count = 0
    /// The fewest there were since the last trim: nobody needed these.
    var countMin = 0
  }

  deinit {
    for size in 0..<5 {
      var list = lists[size]
      while let chunk = unsafe list.head {
        unsafe list.head = chunk.pointee.next
        unsafe Self.destroy(chunk)
      }
    }
  }

  /// A chunk with room for this many bytes at least. Traps when the process is out of memory.
  mutating func take(_ byteCount: Int) -> OutboundChunkPointer {
    let size = Self.sizeClass(of: byteCount)
    guard size < 4 else { return unsafe Self.makeUnpooled(byteCount) }
    return unsafe take(ofClass: size)
  }

  /// A chunk whose bytes lie elsewhere: `byteCount` of them from `base` on, in a segment that it
  /// holds from now on.
  mutating func takeReference(
    to base: UnsafeMutableRawPointer, byteCount: Int, in segment: LogSegmentPointer
  ) -> OutboundChunkPointer {
    let chunk = unsafe takeReference(to: base, byteCount: byteCount)
    unsafe chunk.pointee.owner = ByteOwner(holding: segment)
    return unsafe chunk
  }

  /// As the other one, of bytes that a chunk behind it in the queue holds.
  mutating func takeReference(
    to base: UnsafeMutableRawPointer, byteCount: Int
  ) -> OutboundChunkPointer {
    let chunk = unsafe take(ofClass: Self.referenceClass)
    unsafe chunk.pointee.base = unsafe base
    unsafe chunk.pointee.end = byteCount
    unsafe chunk.pointee.flags = [.isReference, .isSealed]
    return unsafe chunk
  }

  private mutating func take(ofClass size: Int) -> OutboundChunkPointer {
    guard let chunk = unsafe lists[size].head else {
      let capacity =
        size == Self.referenceClass ? 0 : Self.blockByteCounts[size] - Self.headerByteCount
      return unsafe Self.make(capacity: capacity, sizeClass: UInt8(size))
    }
    unsafe lists[size].head = chunk.pointee.next
    lists[size].count -= 1
    lists[size].countMin = min(lists[size].countMin, lists[size].count)
    unsafe chunk.pointee.next = nil
    return unsafe chunk
  }

  /// Gives a chunk back. Its completion has been called.
  mutating func giveBack(_ chunk: OutboundChunkPointer) {
    let size = unsafe Int(chunk.pointee.sizeClass)
    guard size < 5 else {
      unsafe freedByteCount += chunk.pointee.capacity
      return unsafe Self.destroy(chunk)
    }
    unsafe chunk.pointee.reset()
    unsafe chunk.pointee.next = lists[size].head
    unsafe lists[size].head = chunk
    lists[size].count += 1
  }

  /// Frees half of what nobody needed since the last call. Returns the bytes freed, with those of
  /// blocks for no list once no more of them come: as long as they do, the allocator does well to
  /// keep them.
  mutating func trim() -> Int {
    owedByteCount += freedByteCount
    var freed = freedByteCount == 0 ? owedByteCount : 0
    if freedByteCount == 0 { owedByteCount = 0 }
    freedByteCount = 0
    for size in 0..<5 {
      let blockByteCount =
        size == Self.referenceClass ? Self.headerByteCount : Self.blockByteCounts[size]
      let spare = min(
        (lists[size].countMin + 1) / 2, lists[size].count - Self.keptCount(ofClass: size))
      for _ in 0..<max(0, spare) {
        guard let chunk = unsafe lists[size].head else { break }
        unsafe lists[size].head = chunk.pointee.next
        lists[size].count -= 1
        unsafe Self.destroy(chunk)
        freed += blockByteCount
      }
      lists[size].countMin = lists[size].count
    }
    return freed
  }

  /// Whether `trim` is going to free more, or has freed bytes that it has not told of.
  var holdsMemory: Bool {
    guard freedByteCount == 0, owedByteCount == 0 else { return true }
    for size in 0..<5 where lists[size].count > Self.keptCount(ofClass: size) { return true }
    return false
  }

  private static func keptCount(ofClass size: Int) -> Int {
    keptByteCount / (size == referenceClass ? headerByteCount : blockByteCounts[size])
  }

  /// A chunk that is for no pool, with room for just so many bytes: what waits for a reactor that
  /// is busy takes little more memory than its limit says. Any thread.
  static func makeUnpooled(_ byteCount: Int) -> OutboundChunkPointer {
    unsafe make(capacity: byteCount, sizeClass: unpooledClass)
  }

  private static func make(capacity: Int, sizeClass: UInt8) -> OutboundChunkPointer {
    guard let block = unsafe malloc(headerByteCount + capacity) else {
      preconditionFailure("out of memory for \(capacity) bytes to send")
    }
    let room = unsafe block + headerByteCount
    return unsafe block.initializeMemory(
      as: OutboundChunk.self,
      to: OutboundChunk(capacity: capacity, sizeClass: sizeClass, base: room))
  }

  /// Frees a chunk that is in no pool. Any thread.
  static func destroy(_ chunk: OutboundChunkPointer) {
    unsafe chunk.pointee.dropOwner()
    unsafe chunk.deinitialize(count: 1)
    unsafe free(chunk)
  }

  /// 4: larger than any pooled one.
  private static func sizeClass(of byteCount: Int) -> Int {
    for size in 0..<4 where byteCount <= blockByteCounts[size] - headerByteCount {
      return size
    }
    return 4
  }
}
