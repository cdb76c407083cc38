internal import Reactor
internal import WebSocketProtocol

typealias PendingPointer = UnsafeMutablePointer<PendingBytes>

/// What a connection has sent that cannot be dealt with yet: an unfinished request, the unfinished
/// tail of a read, the message so far, a ping that is answered later. Lives in a block of pooled
/// memory, and holds another for the request or message.
@safe struct PendingBytes {
  /// The block that this stands at the start of.
  private let memory: PooledMemory
  /// How far the end of the request has been looked for.
  var search = HeadSearch()
  /// Bytes of an unfinished header or control frame, behind this struct.
  private(set) var tailByteCount = 0
  /// The payload of a ping still to be answered, behind the tail. Nil: there is none.
  private var pingByteCount: Int?
  /// The request, message or frame so far.
  private(set) var byteCount = 0
  private var block: PooledMemory?

  private static let tailOffset = 96
  private static let pingOffset = tailOffset + Session.unconsumedByteCountMax
  private static let pingByteCountMax = 125

  private init(_ memory: PooledMemory) {
    self.memory = memory
  }

  static func make(_ reactor: Reactor) -> PendingPointer {
    assert(MemoryLayout<PendingBytes>.size <= tailOffset)
    let memory = reactor.takeMemory(pingOffset + pingByteCountMax)
    let start = unsafe memory.bytes.baseAddress.unsafelyUnwrapped
    return unsafe start.initializeMemory(as: PendingBytes.self, to: PendingBytes(memory))
  }

  static func free(_ pending: PendingPointer, _ reactor: Reactor) {
    if let block = unsafe pending.pointee.block { reactor.giveBack(block) }
    unsafe reactor.giveBack(pending.pointee.memory)
  }

  var isEmpty: Bool { tailByteCount == 0 && block == nil && pingByteCount == nil }

  /// The request, message or frame so far.
  @unsafe var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: block?.bytes.baseAddress, count: byteCount)
  }

  mutating func keepTail(_ tail: UnsafeRawBufferPointer) {
    unsafe room(at: Self.tailOffset).copyMemory(from: tail)
    tailByteCount = tail.count
  }

  /// Puts the tail in front of `start`, where there is room for it. Returns its length.
  mutating func takeTail(before start: UnsafeMutableRawPointer) -> Int {
    let count = tailByteCount
    unsafe (start - count).copyMemory(
      from: room(at: Self.tailOffset).baseAddress.unsafelyUnwrapped, byteCount: count)
    tailByteCount = 0
    return count
  }

  /// Keeps a ping's payload to answer it later, in place of the one kept before.
  mutating func keepPing(_ payload: RawSpan) {
    unsafe payload.withUnsafeBytes { unsafe room(at: Self.pingOffset).copyMemory(from: $0) }
    pingByteCount = payload.byteCount
  }

  /// The payload of the ping that was kept, which is kept no longer. Nil: there was none.
  mutating func takePing() -> UnsafeRawBufferPointer? {
    guard let byteCount = pingByteCount else { return nil }
    pingByteCount = nil
    return unsafe UnsafeRawBufferPointer(rebasing: room(at: Self.pingOffset)[..<byteCount])
  }

  /// Adds to the request, message or frame so far. Memory grows with what has arrived, to the
  /// double each time.
  mutating func append(_ more: UnsafeRawBufferPointer, _ reactor: Reactor) {
    let capacity = unsafe block?.bytes.count ?? 0
    if block == nil || capacity - byteCount < more.count {
      let larger = reactor.takeMemory(max(byteCount + more.count, min(2 * capacity, 1 << 30)))
      unsafe larger.bytes.copyMemory(from: UnsafeRawBufferPointer(bytes))
      if let block { reactor.giveBack(block) }
      block = larger
    }
    guard let block else { return }
    unsafe UnsafeMutableRawBufferPointer(rebasing: block.bytes[byteCount...]).copyMemory(from: more)
    byteCount += more.count
  }

  mutating func removeAll(_ reactor: Reactor) {
    if let block { reactor.giveBack(block) }
    block = nil
    byteCount = 0
  }

  private func room(at offset: Int) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(rebasing: memory.bytes[offset...])
  }
}
