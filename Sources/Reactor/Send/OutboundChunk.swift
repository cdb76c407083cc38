/// A block of memory with bytes to send, behind this header. Chunks are linked into a connection's
/// send queue, and into a reactor's mailbox on their way there from another thread.
@safe @usableFromInline struct OutboundChunk {
  /// First, so that a mailbox takes it for an entry.
  var entry = MailboxEntry(.chunk)
  @usableFromInline var flags = OutboundChunkFlags()
  /// Called when the bytes are in the kernel, or will never be.
  var completion: SendCompletion?
  /// Of a reference to messages of a topic: the ordinal of the first of them.
  var firstOrdinal: UInt64 = 0
  /// Bytes of room behind the header.
  @usableFromInline let capacity: Int
  /// The bytes not yet sent are [start, end).
  var start = 0
  @usableFromInline var end = 0
  /// The connection it was posted to.
  var connectionIndex = ConnectionRecord.noIndex
  var generation: UInt32 = 0
  /// What the handler posted; its own numbers.
  var kind: UInt8 = 0
  /// Which pool list it belongs to.
  let sizeClass: UInt8
  /// Of a reference: whose cursor it has moved. `Subscription.none`: nobody's.
  var subscription = Subscription.none
  /// Of a reference: its messages.
  var messageCount: UInt32 = 0
  /// Of one that begins with a handshake: where that ends.
  var handshakeEnd: UInt32 = 0
  /// Of a reference: what holds its bytes.
  var owner: ByteOwner?
  /// The room: behind this header, or of a reference elsewhere.
  @usableFromInline var base: UnsafeMutableRawPointer

  init(capacity: Int, sizeClass: UInt8, base: UnsafeMutableRawPointer) {
    unsafe self.base = base
    self.capacity = capacity
    self.sizeClass = sizeClass
  }

  /// As after `init`, for the next use, but for what a flag must say first (`handshakeEnd`, `messageCount`) and what posting
  /// sets. Field by field: assigning a whole value would release and retain.
  mutating func reset() {
    unsafe next = nil
    entry.isOwnPost = false
    if completion != nil { completion = nil }
    firstOrdinal = 0
    start = 0
    end = 0
    connectionIndex = ConnectionRecord.noIndex
    kind = 0
    if owner != nil { dropOwner() }
    flags = []
  }

  /// Releases what holds a reference's bytes.
  mutating func dropOwner() {
    guard let held = owner.take() else { return }
    subscription = Subscription.none
    held.release()
  }

  /// The next one in a queue or a pool, which hold nothing but chunks.
  var next: OutboundChunkPointer? {
    @inline(__always) get { unsafe entry.next.map { unsafe $0.chunk } }
    @inline(__always) set { unsafe entry.next = newValue?.entry }
  }
}

/// What holds the bytes that a chunk refers to, until it is released: once, on any thread.
@safe struct ByteOwner {
  let address: UnsafeMutableRawPointer
  private let releaseAddress: @convention(c) (UnsafeMutableRawPointer) -> Void

  init(
    _ address: UnsafeMutableRawPointer,
    release: @escaping @convention(c) (UnsafeMutableRawPointer) -> Void
  ) {
    unsafe self.address = address
    unsafe releaseAddress = release
  }

  func release() {
    unsafe releaseAddress(address)
  }
}

@usableFromInline typealias OutboundChunkPointer = UnsafeMutablePointer<OutboundChunk>

extension UnsafeMutablePointer<OutboundChunk> {
  /// Bytes of the header, rounded up so that what follows is aligned.
  @inlinable static var headerByteCount: Int { (MemoryLayout<OutboundChunk>.size + 15) & ~15 }

  /// The room.
  @inlinable var bytes: UnsafeMutableRawPointer { unsafe pointee.base }

  /// The chunk as a mailbox sees it.
  var entry: MailboxEntryPointer {
    @inline(__always) get {
      unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: MailboxEntry.self)
    }
  }

  /// The bytes not yet sent.
  var content: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(
      start: bytes + pointee.start, count: pointee.end - pointee.start)
  }
}

@usableFromInline struct OutboundChunkFlags: OptionSet, Sendable {
  @usableFromInline let rawValue: UInt16

  @inlinable
  init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// Nothing may be appended: it is one message that a policy may drop, or has a completion.
  @usableFromInline static var isSealed: OutboundChunkFlags { OutboundChunkFlags(rawValue: 1 << 0) }
  /// Its sender was told of backpressure, and is to hear when the queue has run empty.
  static let reportsBackpressure = OutboundChunkFlags(rawValue: 1 << 2)
  /// No bytes of its own: those of a topic's log, or of a prepared message.
  static let isReference = OutboundChunkFlags(rawValue: 1 << 3)
  /// The response to the opening handshake comes first, which counts for no limit.
  static let beginsWithHandshake = OutboundChunkFlags(rawValue: 1 << 6)
  /// It begins a fragment of a message, and has not been offered to the kernel: a control frame may be put before it.
  static let beginsFragment = OutboundChunkFlags(rawValue: 1 << 7)
  /// The next chunk belongs to the same message.
  static let isJoined = OutboundChunkFlags(rawValue: 1 << 8)
  /// May be dropped by a policy as long as none of it has been sent, with all that is joined to it.
  static let isDroppable = OutboundChunkFlags(rawValue: 1 << 1)
}
