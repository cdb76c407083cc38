internal import Glibc

/// The connection records of one reactor, in blocks that never move and never double by copying.
///
/// Behind each record lie the bytes that the handler attaches to a connection. Shared by a reactor and its
/// backend; used on the reactor's thread only.
@safe final class ConnectionSlab {
  /// Records in one block.
  static let blockCount = 256
  /// The most records one reactor can have: 24 bits of a completion's token name one.
  static let capacityMax = 1 << 24

  /// Records that may be in use at once.
  let capacity: Int
  /// Bytes from one record to the next.
  let stride: Int
  /// Records in use.
  @exclusivity(unchecked) private(set) var count = 0
  /// Records that have ever been in use: all have an index below this.
  @exclusivity(unchecked) private(set) var highWaterCount = 0

  private let blocks: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  @exclusivity(unchecked) private var freeHead = ConnectionRecord.noIndex
  @exclusivity(unchecked) private var freeTail = ConnectionRecord.noIndex

  /// - Parameters:
  ///   - capacity: the most connections at once, at least 1; clamped to `capacityMax`.
  ///   - attachmentByteCount: bytes behind each record for the handler, aligned to 16.
  init(capacity: Int, attachmentByteCount: Int) {
    precondition(capacity > 0 && attachmentByteCount >= 0, "a slab needs room")
    self.capacity = min(capacity, Self.capacityMax)
    stride = MemoryLayout<ConnectionRecord>.stride + (attachmentByteCount + 15) & ~15
    let blockMax = (self.capacity + Self.blockCount - 1) / Self.blockCount
    unsafe blocks = .allocate(capacity: blockMax)
    unsafe blocks.initialize(repeating: nil, count: blockMax)
  }

  deinit {
    let used = (highWaterCount + Self.blockCount - 1) / Self.blockCount
    for block in 0..<used { unsafe free(blocks[block]) }
    unsafe blocks.deallocate()
  }

  /// The record at an index below `highWaterCount`.
  func record(at index: UInt32) -> ConnectionPointer {
    assert(index < highWaterCount)
    let block = unsafe blocks[Int(index) / Self.blockCount].unsafelyUnwrapped
    let memory = unsafe block + Int(index) % Self.blockCount * stride
    return unsafe ConnectionPointer(memory.assumingMemoryBound(to: ConnectionRecord.self))
  }

  /// The open record that a completion's token names, or nil when that connection has gone.
  func record(at index: UInt32, generation: UInt32) -> ConnectionPointer? {
    guard index < highWaterCount else { return nil }
    let record = record(at: index)
    return record.pointee.generation == generation ? record : nil
  }

  /// Takes a record into use, with its generation counted up (odd now). Nil: `capacity` reached, or no
  /// memory.
  func allocate() -> ConnectionPointer? {
    guard let record = takeFree() ?? makeNew() else { return nil }
    record.pointee.generation &+= 1
    assert(record.pointee.generation & 1 == 1)
    count += 1
    return record
  }

  /// Gives a record back. It is used again after all those that were given back before, and never when
  /// its generations are used up, so that no old handle can reach a new connection.
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
    let (block, position) = highWaterCount.quotientAndRemainder(dividingBy: Self.blockCount)
    if position == 0 {
      var memory: UnsafeMutableRawPointer?
      guard unsafe posix_memalign(&memory, 64, stride * Self.blockCount) == 0 else { return nil }
      unsafe blocks[block] = memory
    }
    let index = UInt32(highWaterCount)
    highWaterCount += 1
    let memory = unsafe blocks[block].unsafelyUnwrapped + position * stride
    let record = unsafe memory.bindMemory(to: ConnectionRecord.self, capacity: 1)
    unsafe record.initialize(to: ConnectionRecord(index: index))
    return unsafe ConnectionPointer(record)
  }
}
