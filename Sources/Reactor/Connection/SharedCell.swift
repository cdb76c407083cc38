internal import Synchronization

/// What any thread may read of a connection, and where other threads note what they have posted to
/// it.
///
/// Cells are never freed and have the same layout in every reactor, so a thread that holds an old
/// handle always reads a cell, if perhaps that of a later connection; the generation tells.
struct SharedCell: ~Copyable {
  /// Odd while a connection has the slot. Counts up by one at each opening and each closing.
  let generation = Atomic<UInt32>(0)
  /// The local address, as an index into the port's list of those it has seen. Beyond it: unknown.
  let localAddressIndex = Atomic<UInt16>(0)
  /// The handler's label, as an index into the port's list of labels, plus 1; 0: none.
  let labelIndex = Atomic<UInt16>(0)
  /// Bytes in the send queue, as of the last pass that left some there. Written by the owner only.
  let queuedByteCount = Atomic<Int>(0)
  /// Bytes posted by other threads that the owner has not seen yet. A post to an old handle may
  /// count here too until the owner drops it, so this always returns to 0.
  let postedByteCount = Atomic<Int>(0)
  /// The peer's address: see `SocketAddress.packed`. Three words that are read one by one, so a
  /// reader looks at the generation afterwards.
  let peerAddressHigh = Atomic<UInt64>(0)
  let peerAddressLow = Atomic<UInt64>(0)
  let peerAddressTail = Atomic<UInt64>(0)

  var packedPeerAddress: PackedSocketAddress {
    PackedSocketAddress(
      high: peerAddressHigh.load(ordering: .relaxed), low: peerAddressLow.load(ordering: .relaxed),
      tail: peerAddressTail.load(ordering: .acquiring))
  }

  func setPeerAddress(_ address: PackedSocketAddress) {
    peerAddressHigh.store(address.high, ordering: .relaxed)
    peerAddressLow.store(address.low, ordering: .relaxed)
    peerAddressTail.store(address.tail, ordering: .releasing)
  }
}

/// Where a cell is. Safe on any thread, since cells are never freed.
@safe struct SharedCellPointer: @unchecked Sendable {
  private let memory: UnsafeMutablePointer<SharedCell>

  init(_ memory: UnsafeMutablePointer<SharedCell>) {
    unsafe self.memory = memory
  }

  var pointee: SharedCell {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(memory) }
  }
}
