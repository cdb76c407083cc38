/// A block of memory with bytes to send, behind this header. Chunks are linked into a connection's send
/// queue, and into a reactor's mailbox on their way there from another thread.
@safe struct SendChunk {
  /// The next one in a queue, pool or mailbox.
  var next: SendChunkPointer?
  /// Called when the bytes are in the kernel, or will never be.
  var completion: SendCompletion?
  /// For the policy that keeps only the newest of a kind; 0: none.
  var key: UInt64 = 0
  /// Bytes of room behind the header.
  let capacity: Int
  /// The bytes not yet sent are [start, end).
  var start = 0
  var end = 0
  /// The connection it was posted to.
  var connectionIndex: UInt32 = 0
  var generation: UInt32 = 0
  /// What the handler posted; its own numbers.
  var kind: UInt8 = 0
  var flags = SendChunkFlags()
  /// Which pool list it belongs to.
  let sizeClass: UInt8
}

typealias SendChunkPointer = UnsafeMutablePointer<SendChunk>

struct SendChunkFlags: OptionSet {
  let rawValue: UInt8

  /// Nothing may be appended: it is one message that a policy may drop, or has a completion.
  static let isSealed = SendChunkFlags(rawValue: 1 << 0)
  /// Never dropped by a policy.
  static let isControl = SendChunkFlags(rawValue: 1 << 1)
}
