internal import Glibc
internal import Synchronization

/// A block of a topic's log: this header, then the bytes of messages, growing upwards, and at the
/// end of the block one entry for each message, growing downwards.
///
/// Written by publishers, one at a time, under the log's lock. A reactor reads what lies below the
/// ordinal of a mark that it has taken, which never changes again.
///
/// Two counts, since who needs the bytes of one segment does not need those of all after it: the
/// memory lasts as long as anybody holds it; the chain, that is the hold on `next`, as long as
/// anybody may follow it. All holders of the chain together hold the memory once.
struct LogSegment: ~Copyable {
  /// The ordinal of the first message.
  var firstOrdinal: UInt64
  /// Bytes of all messages of the topic before the first one.
  var firstByte: UInt64
  /// Bytes behind the header, for messages and entries.
  let capacity: Int
  let memoryCount = Atomic<Int>(1)
  let chainCount = Atomic<Int>(1)
  /// Whether a message has a key, or is not for somebody: those of others need not be looked at.
  /// Stored before the mark of the first such message is posted.
  let isSpecial = Atomic<Bool>(false)
  /// The address of the segment that follows, with a hold on its chain. 0: this is the last one;
  /// from then on no message is added here.
  let next = Atomic<UInt>(0)

  init(capacity: Int, firstOrdinal: UInt64 = 0, firstByte: UInt64 = 0) {
    self.capacity = capacity
    self.firstOrdinal = firstOrdinal
    self.firstByte = firstByte
  }
}

/// What publishers note of a segment, behind its header: apart from it, since reactors read that at
/// the same time.
struct LogSegmentFill {
  var byteCount = 0
  var messageCount = 0
  var lastNanoseconds: Int64 = 0
}

/// What a segment knows of a message.
struct LogEntry: BitwiseCopyable {
  /// Bytes of the segment up to the end of the message.
  let end: UInt32
  /// The reactor of the connection that is not to get it. 0: all get it.
  private let excludedReactor: UInt32
  /// Of messages with the same key, some subscribers want only the newest; 0: none.
  let key: UInt64
  private let excludedIndex: UInt32
  private let excludedGeneration: UInt32

  init(end: UInt32, key: UInt64, excluded: ConnectionID?) {
    self.end = end
    self.key = key
    excludedReactor = excluded?.reactor ?? 0
    excludedIndex = excluded?.index ?? 0
    excludedGeneration = excluded?.generation ?? 0
  }

  /// The connection that is not to get it. Nil: all get it.
  var excluded: ConnectionID? {
    guard excludedReactor != 0 else { return nil }
    return ConnectionID(
      reactor: excludedReactor, index: excludedIndex, generation: excludedGeneration)
  }
}

/// Safe as long as the memory or the chain is held.
@safe struct LogSegmentPointer: Equatable, @unchecked Sendable {
  private let memory: UnsafeMutablePointer<LogSegment>

  private static let fillOffset = (MemoryLayout<LogSegment>.size + 15) & ~15
  static let headerByteCount = fillOffset + (MemoryLayout<LogSegmentFill>.size + 15) & ~15
  static let entryByteCount = MemoryLayout<LogEntry>.stride

  init(_ address: UnsafeMutableRawPointer) {
    unsafe memory = address.assumingMemoryBound(to: LogSegment.self)
  }

  /// Allocates a segment with room for `capacity` bytes of messages and entries, its chain held once. Traps when
  /// the process is out of memory.
  init(capacity: Int) {
    let rounded = (capacity + 15) & ~15
    guard let block = unsafe malloc(Self.headerByteCount + rounded) else {
      preconditionFailure("out of memory for \(capacity) bytes of a topic's log")
    }
    unsafe memory = block.initializeMemory(
      as: LogSegment.self, to: LogSegment(capacity: rounded))
    unsafe (block + Self.fillOffset).initializeMemory(
      as: LogSegmentFill.self, to: LogSegmentFill())
  }

  var pointee: LogSegment {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(memory) }
  }

  /// Under the log's lock.
  var fill: LogSegmentFill {
    @inline(__always) unsafeAddress {
      unsafe UnsafePointer((address + Self.fillOffset).assumingMemoryBound(to: LogSegmentFill.self))
    }
    @inline(__always) nonmutating unsafeMutableAddress {
      unsafe (address + Self.fillOffset).assumingMemoryBound(to: LogSegmentFill.self)
    }
  }

  /// Says where it stands in the log: before anybody else knows of it.
  func place(firstOrdinal: UInt64, firstByte: UInt64) {
    unsafe memory.pointee.firstOrdinal = firstOrdinal
    unsafe memory.pointee.firstByte = firstByte
  }

  var address: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(memory) }

  /// Where the first message begins.
  var bytes: UnsafeMutableRawPointer { unsafe address + Self.headerByteCount }

  static func == (one: Self, other: Self) -> Bool { unsafe one.memory == other.memory }

  // MARK: Messages

  /// Where a message begins, or the one before it ends. It must be one of the segment's.
  @inline(__always)
  func offset(of ordinal: UInt64) -> Int {
    let position = Int(ordinal &- pointee.firstOrdinal)
    return position == 0 ? 0 : unsafe Int(entry(position - 1).pointee.end)
  }

  /// Bytes of the topic before a message.
  func byte(of ordinal: UInt64) -> UInt64 {
    pointee.firstByte + UInt64(offset(of: ordinal))
  }

  /// The entry at a position: 0 is that of the first message.
  @unsafe func entry(_ position: Int) -> UnsafeMutablePointer<LogEntry> {
    let end = unsafe bytes + pointee.capacity
    return unsafe (end - (position + 1) * Self.entryByteCount).assumingMemoryBound(
      to: LogEntry.self)
  }

  func entry(of ordinal: UInt64) -> LogEntry {
    unsafe entry(Int(ordinal &- pointee.firstOrdinal)).pointee
  }

  /// The first message of this segment, below `end`, that begins at or after so many bytes.
  func ordinal(atOrAfter offset: Int, below end: UInt64) -> UInt64 {
    var (low, high) = (pointee.firstOrdinal, end)
    while low < high {
      let middle = low + (high - low) / 2
      if self.offset(of: middle) < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: Publishing

  var freeByteCount: Int {
    pointee.capacity - fill.byteCount - fill.messageCount * Self.entryByteCount
  }

  /// Room for a message of so many bytes, which is part of the segment from now on. There must be
  /// `byteCount` and `entryByteCount` bytes free.
  func append(
    _ byteCount: Int, key: UInt64 = 0, excluding excluded: ConnectionID? = nil
  ) -> UnsafeMutableRawBufferPointer {
    let start = unsafe bytes + fill.byteCount
    fill.byteCount += byteCount
    unsafe entry(fill.messageCount).initialize(
      to: LogEntry(end: UInt32(fill.byteCount), key: key, excluded: excluded))
    fill.messageCount += 1
    if key != 0 || excluded != nil { pointee.isSpecial.store(true, ordering: .relaxed) }
    return unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  // MARK: Holding

  /// The segment that follows, if there is one. The chain must be held.
  var next: LogSegmentPointer? {
    let address = pointee.next.load(ordering: .acquiring)
    return unsafe UnsafeMutableRawPointer(bitPattern: address).map { unsafe Self($0) }
  }

  func link(_ next: LogSegmentPointer) {
    unsafe pointee.next.store(UInt(bitPattern: next.address), ordering: .releasing)
  }

  func holdMemory() {
    pointee.memoryCount.add(1, ordering: .relaxed)
  }

  func releaseMemory() {
    let (_, count) = pointee.memoryCount.subtract(1, ordering: .acquiringAndReleasing)
    if count == 0 { unsafe free(memory) }
  }

  func holdChain() {
    pointee.chainCount.add(1, ordering: .relaxed)
  }

  /// Lets go of this segment and, if nobody else may follow the chain from here, of those after it.
  func releaseChain() {
    var segment = self
    while true {
      let (_, count) = segment.pointee.chainCount.subtract(1, ordering: .acquiringAndReleasing)
      guard count == 0 else { return }
      let next = segment.next
      segment.releaseMemory()
      guard let next else { return }
      segment = next
    }
  }
}

extension ByteOwner {
  /// Holds a segment's memory.
  init(holding segment: LogSegmentPointer) {
    segment.holdMemory()
    unsafe self.init(segment.address) { unsafe LogSegmentPointer($0).releaseMemory() }
  }

  /// The segment, of references to messages of topics and to shared bytes.
  var segment: LogSegmentPointer { unsafe LogSegmentPointer(address) }
}
