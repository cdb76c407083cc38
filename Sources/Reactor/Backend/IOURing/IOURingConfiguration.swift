/// Sizes and limits of one reactor's ring.
struct IOURingConfiguration: Sendable {
  /// Operations that can be prepared between two entries into the kernel: a power of two. Halved
  /// while the kernel refuses the memory.
  var submissionCount = 1024
  /// Completions that can wait to be taken: a power of two, at least twice `submissionCount`. What
  /// comes beyond waits in the kernel, at a price. Halved first while the kernel refuses the
  /// memory.
  var completionCount = 16 * 1024

  /// Receive buffers lent to the kernel: a power of two, at most 32,768. The kernel walks through
  /// all of them in turn, so their number times the bytes of a usual read should fit the
  /// second-level cache.
  var receiveBufferCount = 256
  /// Bytes of each, not counting the headroom. Connections that fill it again and again are read in
  /// another way.
  var receiveBufferByteCount = 4096
  /// Bytes of the one buffer that connections with large messages are read into.
  var hotBufferByteCount = 512 * 1024

  /// Connections that wait for bytes with a multishot receive (864 bytes of kernel memory each).
  /// Those beyond wait with a poll (256 bytes), and receive once it fires.
  var multishotCountMax = 32_768

  /// Nanoseconds that a wait delivers what has come since the last one.
  var deliveryNanosecondsMax = DeliveryLimits.nanosecondsMax
  /// Nanoseconds that are left for those that have had their turn and have more.
  var backlogNanosecondsMin = DeliveryLimits.backlogNanosecondsMin

  /// Keeps connections in the ring's own table, not in the process's table of open files (Linux
  /// 6.13).
  var usesDirectDescriptors = false

  /// What the kernel can do. Nil: what the self-test finds.
  var capabilities: IOURingCapabilities?
}

/// What differs between kernels that can run the backend at all.
struct IOURingCapabilities: Sendable, Equatable {
  /// A send can be tried during submission, and posts no completion when all of it succeeded.
  /// Without: each send posts its completion.
  var sendsInline = true
  /// A slot of the ring's table is free at once when its descriptor is closed.
  var hasDirectDescriptors = true
  /// A ring can be told to refuse what no backend does. Without, nothing but that is different.
  var restrictsRings = true
}
