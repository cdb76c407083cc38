internal import CURing

/// A block of memory with bytes to send, behind this header. Chunks are linked into a connection's
/// send queue, and into a reactor's mailbox on their way there from another thread.
@safe @usableFromInline struct OutboundChunk {
  /// The next one in a queue, pool or mailbox.
  var next: OutboundChunkPointer?
  /// Called when the bytes are in the kernel, or will never be. In a mailbox, a chunk without a
  /// connection is a job, and this is what to run.
  var completion: SendCompletion?
  /// For the policy that keeps only the newest of a kind; 0: none. Of a reference, the ordinal of
  /// its first message; of a topic's mark, that behind its last one; of one that begins with a handshake, where that ends.
  var key: UInt64 = 0
  /// Bytes of room behind the header.
  @usableFromInline let capacity: Int
  /// The bytes not yet sent are [start, end).
  var start = 0
  @usableFromInline var end = 0
  /// The reactor it was posted to.
  var reactorNumber: UInt32 = 0
  /// The connection it was posted to; `ConnectionRecord.noIndex`: none, it is a job.
  var connectionIndex = ConnectionRecord.noIndex
  var generation: UInt32 = 0
  @usableFromInline var flags = OutboundChunkFlags()
  /// What the handler posted; its own numbers.
  var kind: UInt8 = 0
  /// Which pool list it belongs to.
  let sizeClass: UInt8
  /// Of a reference: whose cursor it has moved. `Subscription.none`: nobody's.
  var subscription = Subscription.none
  /// Of a reference: its messages.
  var messageCount: UInt32 = 0
  /// Of a reference, the segment in which its bytes lie; of a mark, the log. Held.
  var source: UnsafeMutableRawPointer?
  /// The room: behind this header, or of a reference elsewhere.
  @usableFromInline var base: UnsafeMutableRawPointer

  init(capacity: Int, sizeClass: UInt8, base: UnsafeMutableRawPointer) {
    unsafe self.base = base
    self.capacity = capacity
    self.sizeClass = sizeClass
  }

  /// As after `init`, for the next use. Field by field: assigning a whole value would release and
  /// retain.
  mutating func reset() {
    unsafe next = nil
    if completion != nil { completion = nil }
    key = 0
    start = 0
    end = 0
    connectionIndex = ConnectionRecord.noIndex
    kind = 0
    if unsafe source != nil { dropSource() }
    flags = []
  }

  /// Lets go of what a reference or a mark holds.
  mutating func dropSource() {
    guard let held = unsafe source else { return }
    unsafe source = nil
    subscription = Subscription.none
    if flags.contains(.isMark) {
      unsafe Unmanaged<TopicLog>.fromOpaque(held).release()
    } else {
      unsafe LogSegmentPointer(held).releaseMemory()
    }
  }
}

@usableFromInline typealias OutboundChunkPointer = UnsafeMutablePointer<OutboundChunk>

extension UnsafeMutablePointer<OutboundChunk> {
  /// Bytes of the header, rounded up so that what follows is aligned.
  @inlinable static var headerByteCount: Int { (MemoryLayout<OutboundChunk>.size + 15) & ~15 }

  /// The room.
  @inlinable var bytes: UnsafeMutableRawPointer { unsafe pointee.base }

  /// To be called before it is posted: what a reactor posts to itself must not be overtaken by what
  /// it does directly.
  func noteOwnPost() {
    guard unsafe martlet_thread_reactor_number() == pointee.reactorNumber,
      let reactor = Reactor.current
    else { return }
    unsafe pointee.flags.insert(.isOwnPost)
    reactor.state.value.ownPostCount += 1
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
  /// Not to be sent: tells a reactor how far a topic has come.
  static let isMark = OutboundChunkFlags(rawValue: 1 << 4)
  /// It was posted on the reactor's own thread.
  static let isOwnPost = OutboundChunkFlags(rawValue: 1 << 5)
  /// The response to the opening handshake comes first, which counts for no limit.
  static let beginsWithHandshake = OutboundChunkFlags(rawValue: 1 << 6)
  /// It begins a fragment of a message, and has not been offered to the kernel: a control frame may be put before it.
  static let beginsFragment = OutboundChunkFlags(rawValue: 1 << 7)
  /// The next chunk belongs to the same message.
  static let isJoined = OutboundChunkFlags(rawValue: 1 << 8)
  /// May be dropped by a policy as long as none of it has been sent, with all that is joined to it.
  static let isDroppable = OutboundChunkFlags(rawValue: 1 << 1)
}
