internal import CURing
internal import Synchronization

/// Names one connection of this process, for ever: a plain value that keeps nothing alive.
///
/// Any thread may keep and use it. Once the connection has gone, everything done with it says so;
/// it never reaches a later connection.
public struct ConnectionID: Hashable, Sendable {
  /// The number of the owning reactor: never given twice in a process.
  @usableFromInline let reactor: UInt32
  @usableFromInline let index: UInt32
  /// Odd; see `SharedCell.generation`.
  @usableFromInline let generation: UInt32

  @usableFromInline
  init(reactor: UInt32, index: UInt32, generation: UInt32) {
    self.reactor = reactor
    self.index = index
    self.generation = generation
  }

  /// Whether the connection still exists. It may be gone by the time the answer is looked at.
  public var isOpen: Bool {
    cell != nil
  }

  /// Bytes that wait to be sent, in the send queue or on their way to it. Nil: the connection has
  /// gone.
  public var queuedByteCount: Int? {
    guard let cell else { return nil }
    // In this order: what is not posted any more is queued.
    let posted = cell.pointee.postedByteCount
    return posted + cell.pointee.queuedByteCount.load(ordering: .relaxed)
  }

  /// The peer's address. Nil: the connection has gone, or was begun here by a reactor that has seen
  /// more than 4096 different ones.
  public var peerAddress: SocketAddress? {
    address(isCommon: isOutgoing)
  }

  /// This end's address. Nil: the connection has gone, or was accepted by a reactor that has seen
  /// more than 4096 different ones.
  public var localAddress: SocketAddress? {
    address(isCommon: !isOutgoing)
  }

  /// Whether the connection was begun here, and not accepted. False when it has gone.
  public var isOutgoing: Bool { cell?.pointee.isOutgoing ?? false }

  private func address(isCommon: Bool) -> SocketAddress? {
    guard let port = ReactorPort.live(reactor), let cell else { return nil }
    guard isCommon else {
      let packed = cell.pointee.packedOwnAddress
      return isOpen ? packed.address : nil
    }
    let position = cell.pointee.commonAddressPosition
    return isOpen ? port.pointee.addresses.value(at: position) : nil
  }

  /// The text that the handler has put on the connection with `Reactor.label`, if any.
  public var label: String? {
    guard let port = ReactorPort.live(reactor), let cell else { return nil }
    let position = cell.pointee.labelPosition
    return position >= 0 && isOpen ? port.pointee.labels.value(at: position) : nil
  }

  /// The handler of the owning reactor, unretained, if the calling thread is that reactor's.
  @unsafe @inline(__always)
  public var handlerOfThisThread: UnsafeMutableRawPointer? {
    unsafe martlet_thread_reactor_number() == reactor ? martlet_thread_handler() : nil
  }

  /// The cell, as long as it is still this connection's.
  var cell: SharedCellPointer? {
    guard let port = ReactorPort.live(reactor), let cell = port.cell(at: index),
      cell.pointee.generation.load(ordering: .acquiring) == generation
    else { return nil }
    return cell
  }
}
