internal import Synchronization

/// What any thread may read of a connection, and where other threads note what they have posted to it.
///
/// Cells are never freed and have the same layout in every reactor, so a thread that holds an old handle
/// always reads a cell, if perhaps that of a later connection; the generation tells.
struct SharedCell: ~Copyable {
  /// Odd while a connection has the slot. Counts up by one at each opening and each closing.
  let generation = Atomic<UInt32>(0)
  /// The local address, as an index into the reactor's list of those it has seen.
  let localAddressIndex = Atomic<UInt32>(0)
  /// Bytes in the send queue. Written by the owner only.
  let queuedByteCount = Atomic<Int>(0)
  /// Bytes posted by other threads that the owner has not seen yet.
  let postedByteCount = Atomic<Int>(0)
  /// The peer's address, packed. See `SocketAddress.packed`.
  let peerAddressHigh = Atomic<UInt64>(0)
  let peerAddressLow = Atomic<UInt64>(0)
  let peerAddressTail = Atomic<UInt64>(0)
}
