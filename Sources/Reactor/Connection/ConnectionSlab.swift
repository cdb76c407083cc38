internal import CURing
internal import Glibc

/// The connection records of one reactor, in blocks that never move and never double by copying.
///
/// Behind each record lie the bytes that the handler attaches to a connection. Shared by a reactor
/// and its backend; used on the reactor's thread only.
@safe @usableFromInline package final class ConnectionSlab {
  /// Records in one block.
  @usableFromInline static var blockCount: Int { 256 }
  /// The most records one reactor can have: 24 bits of a completion's token name one.
  static let capacityMax = 1 << 24

  /// Records that may be in use at once.
  private(set) var capacity: Int
  /// Bytes from one record to the next.
  @usableFromInline let stride: Int
  /// Records in use.
  private(set) var count = 0
  /// Records that have ever been in use: all have an index below this.
  private(set) var highWaterCount = 0

  /// Blocks there can be.
  @usableFromInline let blockCountMax: Int
  @usableFromInline let blocks: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var freeHead = ConnectionRecord.noIndex
  private var freeTail = ConnectionRecord.noIndex

  /// - Parameters:
  ///   - capacity: the most connections at once, at least 1; clamped to `capacityMax`.
  ///   - attachmentByteCount: bytes behind each record for the handler, aligned to 16.
  init(capacity: Int, attachmentByteCount: Int) {
    precondition(capacity > 0 && attachmentByteCount >= 0, "a slab needs room")
    self.capacity = min(capacity, Self.capacityMax)
    stride = MemoryLayout<ConnectionRecord>.stride + (attachmentByteCount + 15) & ~15
    blockCountMax = (self.capacity + Self.blockCount - 1) / Self.blockCount
    unsafe blocks = .allocate(capacity: blockCountMax)
    unsafe blocks.initialize(repeating: nil, count: blockCountMax)
  }

  deinit {
    let used = (highWaterCount + Self.blockCount - 1) / Self.blockCount
    for block in 0..<used { unsafe free(blocks[block]) }
    unsafe blocks.deallocate()
  }

  /// Lowers the capacity, before the first record is in use.
  func limit(to count: Int) {
    precondition(highWaterCount == 0, "a slab in use cannot shrink")
    capacity = min(capacity, count)
  }

  /// The record at an index that has been in use.
  package func record(at index: UInt32) -> ConnectionPointer {
    let block = unsafe blocks[Int(index) / Self.blockCount].unsafelyUnwrapped
    return unsafe record(in: block, at: Int(index) % Self.blockCount)
  }

  /// The open record that a completion's token names, or nil when that connection has gone. Reads
  /// nothing that changes but the record itself: it is called for each completion.
  @inlinable @inline(__always)
  func record(at index: UInt32, generation: UInt32) -> ConnectionPointer? {
    let position = Int(index) / Self.blockCount
    guard position < blockCountMax, let block = unsafe blocks[position] else { return nil }
    let record = unsafe record(in: block, at: Int(index) % Self.blockCount)
    return record.pointee.generation == generation ? record : nil
  }

  /// Takes a record into use, with its generation counted up (odd now). Nil: `capacity` reached, or
  /// no memory.
  func allocate() -> ConnectionPointer? {
    guard let record = takeFree() ?? makeNew() else { return nil }
    record.pointee.generation &+= 1
    assert(record.pointee.generation & 1 == 1)
    count += 1
    return record
  }

  /// Gives a record back. It is used again after all those that were given back before, and never
  /// when its generations are used up, so that no old handle can reach a new connection.
  func release(_ record: ConnectionPointer) {
    let index = record.pointee.index
    let generation = record.pointee.generation &+ 1
    record.pointee = ConnectionRecord(index: index)
    record.pointee.generation = generation
    count -= 1
    guard generation != 0 else { return }
    if freeTail == ConnectionRecord.noIndex {
      freeHead = index
    } else {
      self.record(at: freeTail).pointee.timerNext = index
    }
    freeTail = index
  }

  private func takeFree() -> ConnectionPointer? {
    guard freeHead != ConnectionRecord.noIndex else { return nil }
    let record = record(at: freeHead)
    freeHead = record.pointee.timerNext
    if freeHead == ConnectionRecord.noIndex { freeTail = ConnectionRecord.noIndex }
    record.pointee.timerNext = ConnectionRecord.noIndex
    return record
  }

  private func makeNew() -> ConnectionPointer? {
    guard highWaterCount < capacity else { return nil }
    if highWaterCount % Self.blockCount == 0 {
      guard makeBlock(Self.blockCount * (highWaterCount / Self.blockCount)) else { return nil }
    }
    highWaterCount += 1
    return record(at: UInt32(highWaterCount - 1))
  }

  private func makeBlock(_ firstIndex: Int) -> Bool {
    var memory: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&memory, 64, stride * Self.blockCount) == 0,
      let memory = unsafe memory
    else { return false }
    for position in 0..<Self.blockCount {
      let address = unsafe memory + position * stride
      unsafe address.initializeMemory(
        as: ConnectionRecord.self, to: ConnectionRecord(index: UInt32(firstIndex + position)))
    }
    unsafe blocks[firstIndex / Self.blockCount] = unsafe memory
    return true
  }

  @inlinable @inline(__always)
  func record(in block: UnsafeMutableRawPointer, at position: Int) -> ConnectionPointer {
    let memory = unsafe block + position * stride
    return unsafe ConnectionPointer(memory.assumingMemoryBound(to: ConnectionRecord.self))
  }
}
