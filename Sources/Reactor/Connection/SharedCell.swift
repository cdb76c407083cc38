internal import Synchronization

/// What any thread may read of a connection, and where other threads note what they have posted to
/// it.
///
/// Cells are never freed and have the same layout in every reactor, so a thread that holds an old
/// handle always reads a cell, if perhaps that of a later connection; the generation tells.
struct SharedCell: ~Copyable {
  /// Odd while a connection has the slot. Counts up by one at each opening and each closing.
  let generation = Atomic<UInt32>(0)
  /// The address that many connections share, as an index into the port's list of those it has
  /// seen: of a connection that was accepted the local one, of one that was begun here the peer's.
  /// Beyond the list: unknown.
  let commonAddressIndex = Atomic<UInt16>(0)
  /// The handler's label, as an index into the port's list of labels, plus 1; 0: none. And
  /// `isRefusalOnItsWay`.
  let labelIndex = Atomic<UInt16>(0)
  /// Bytes in the send queue, as of the last pass that left some there. Written by the owner only.
  let queuedByteCount = Atomic<Int>(0)
  /// Bytes posted by other threads that the owner has not seen yet. A post to an old handle may
  /// count here too until the owner drops it, so this always returns to 0.
  let postedByteCount = Atomic<Int>(0)
  /// The other address, which is the connection's own: see `SocketAddress.packed`. Three words that
  /// are read one by one, so a reader looks at the generation afterwards.
  let ownAddressHigh = Atomic<UInt64>(0)
  let ownAddressLow = Atomic<UInt64>(0)
  let ownAddressTail = Atomic<UInt64>(0)

  /// In `commonAddressIndex`: the connection was begun here.
  static let isOutgoing: UInt16 = 1 << 15

  /// In `labelIndex`: a sender was refused, and the owner is about to hear of it, once for all who
  /// are refused meanwhile.
  static let isRefusalOnItsWay: UInt16 = 1 << 15

  var labelPosition: Int {
    Int(labelIndex.load(ordering: .relaxed) & ~Self.isRefusalOnItsWay) - 1
  }

  /// False: the owner is about to hear of it.
  func noteRefusal() -> Bool {
    let (before, _) = labelIndex.bitwiseOr(Self.isRefusalOnItsWay, ordering: .acquiringAndReleasing)
    return before & Self.isRefusalOnItsWay == 0
  }

  func takeRefusal() {
    labelIndex.bitwiseAnd(~Self.isRefusalOnItsWay, ordering: .acquiringAndReleasing)
  }

  var isOutgoing: Bool { commonAddressIndex.load(ordering: .relaxed) & Self.isOutgoing != 0 }

  var commonAddressPosition: Int {
    Int(commonAddressIndex.load(ordering: .relaxed) & ~Self.isOutgoing)
  }

  /// Position nil: the port has seen too many.
  func setCommonAddress(_ position: Int?, isOutgoing: Bool) {
    let index = position.map { UInt16($0) } ?? ~Self.isOutgoing
    commonAddressIndex.store(
      isOutgoing ? index | Self.isOutgoing : index, ordering: .relaxed)
  }

  var packedOwnAddress: PackedSocketAddress {
    PackedSocketAddress(
      high: ownAddressHigh.load(ordering: .relaxed), low: ownAddressLow.load(ordering: .relaxed),
      tail: ownAddressTail.load(ordering: .acquiring))
  }

  func setOwnAddress(_ address: PackedSocketAddress) {
    ownAddressHigh.store(address.high, ordering: .relaxed)
    ownAddressLow.store(address.low, ordering: .relaxed)
    ownAddressTail.store(address.tail, ordering: .releasing)
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
