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
  /// Bytes posted by other threads that the owner has not seen yet; and in the bits above them, whose
  /// they are, see `tag`. So what is posted to a connection that has gone meanwhile does not count
  /// as the next one's, which would have its senders refused.
  private let posted = Atomic<UInt64>(0)
  /// The other address, which is the connection's own: see `SocketAddress.packed`. Three words that
  /// are read one by one, so a reader looks at the generation afterwards.
  let ownAddressHigh = Atomic<UInt64>(0)
  let ownAddressLow = Atomic<UInt64>(0)
  let ownAddressTail = Atomic<UInt64>(0)

  /// More than this is never on its way to a connection: a tebibyte, less one.
  static let postedByteCountMax = (1 << 40) - 1
  private static let postedMask = UInt64(postedByteCountMax)

  /// In `commonAddressIndex`: the connection was begun here.
  static let isOutgoing: UInt16 = 1 << 15

  /// In `labelIndex`: a sender was refused, and the owner is about to hear of it, once for all who
  /// are refused meanwhile.
  static let isRefusalOnItsWay: UInt16 = 1 << 15

  // MARK: Whose it is

  /// From now on it is the cell of a reactor's connection; or with an even generation, of none.
  /// Owner only.
  func setGeneration(_ generation: UInt32, ofReactor number: UInt32) {
    posted.store(Self.tag(generation, number), ordering: .relaxed)
    self.generation.store(generation, ordering: .releasing)
  }

  /// Another one for each connection of a slot, and for those of the reactors that have had the port
  /// before, whose generations are the same and whose numbers differ by multiples of the
  /// table's capacity.
  static func tag(_ generation: UInt32, _ number: UInt32) -> UInt64 {
    UInt64(generation &+ (number / ReactorPort.countMax) &* 0x9E_3779) << 40
  }

  // MARK: What is posted

  var postedByteCount: Int {
    Int(posted.load(ordering: .acquiring) & Self.postedMask)
  }

  /// Counts bytes that are about to be posted to a connection. False: it has gone.
  func addPosted(_ byteCount: Int, generation: UInt32, ofReactor number: UInt32) -> Bool {
    let tag = Self.tag(generation, number)
    var seen = posted.load(ordering: .relaxed)
    while seen & ~Self.postedMask == tag {
      let count = Int(seen & Self.postedMask)
      guard byteCount <= Self.postedByteCountMax - count else { return false }
      let (isDone, original) = posted.weakCompareExchange(
        expected: seen, desired: tag | UInt64(count + byteCount), ordering: .relaxed)
      if isDone { return true }
      seen = original
    }
    return false
  }

  /// Bytes that were posted to a connection are posted no more. What they have become is to be seen
  /// by whoever sees this.
  func subtractPosted(_ byteCount: Int, generation: UInt32, ofReactor number: UInt32) {
    let tag = Self.tag(generation, number)
    var seen = posted.load(ordering: .relaxed)
    while seen & ~Self.postedMask == tag {
      let before = Int(seen & Self.postedMask)
      assert(before >= byteCount, "bytes are taken that were not posted")
      let count = max(0, before - byteCount)
      let (isDone, original) = posted.weakCompareExchange(
        expected: seen, desired: tag | UInt64(count), ordering: .releasing)
      if isDone { return }
      seen = original
    }
  }

  // MARK: Labels

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
