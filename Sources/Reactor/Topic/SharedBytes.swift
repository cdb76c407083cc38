/// Bytes that are made once and sent to many connections, without a copy for each unless they are
/// few. Any thread.
public final class SharedBytes: Sendable {
  /// How many there are: at least 1. Any thread.
  public let byteCount: Int
  fileprivate let segment: LogSegmentPointer

  /// Up to so many bytes a copy costs less than holding on to the original.
  private static let copiedByteCountMax = 1024

  /// - Parameters:
  ///   - byteCount: at least 1, less than 4 GiB.
  ///   - fill: writes them, at once.
  public init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
    guard byteCount > 0, byteCount < Int(UInt32.max) else {
      misuse("\(byteCount) bytes cannot be shared. At least 1 and less than 4 GiB can be.")
    }
    self.byteCount = byteCount
    segment = LogSegmentPointer(capacity: byteCount + LogSegmentPointer.entryByteCount)
    unsafe fill(segment.append(byteCount))
  }

  deinit {
    segment.releaseChain()
  }

  /// The bytes themselves, during the call.
  public func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
    unsafe body(RawSpan(_unsafeStart: segment.bytes, byteCount: byteCount))
  }

  fileprivate var isCopied: Bool { byteCount <= Self.copiedByteCountMax }
}

extension Reactor {
  /// Queues shared bytes to be sent. `canSend` must hold.
  public func enqueue(
    _ bytes: SharedBytes, completion: SendCompletion? = nil,
    on connection: ConnectionPointer, isDroppable: Bool = false
  ) {
    if bytes.isCopied, completion == nil, !isDroppable {
      let room = unsafe reserve(bytes.byteCount, on: connection)
      unsafe room.baseAddress?.copyMemory(from: bytes.segment.bytes, byteCount: bytes.byteCount)
      return
    }
    let chunk = unsafe reference(to: bytes)
    unsafe chunk.pointee.completion = completion
    if isDroppable { unsafe chunk.pointee.flags.insert(.isDroppable) }
    markDirty(connection)
    unsafe connection.append(chunk)
  }

  func reference(to bytes: SharedBytes) -> OutboundChunkPointer {
    unsafe state.value.pool.takeReference(
      to: bytes.segment.bytes, byteCount: bytes.byteCount, in: bytes.segment)
  }
}

extension PostedChunk {
  /// Shared bytes on their way to a connection. Any thread.
  public init(_ bytes: SharedBytes, kind: UInt8, completion: SendCompletion?) {
    let chunk = unsafe ChunkPool.makeUnpooled(0)
    unsafe chunk.pointee.owner = ByteOwner(holding: bytes.segment)
    unsafe chunk.pointee.base = bytes.segment.bytes
    unsafe chunk.pointee.end = bytes.byteCount
    unsafe chunk.pointee.flags = .isReference
    unsafe chunk.pointee.kind = kind
    unsafe chunk.pointee.completion = completion
    unsafe self.init(chunk)
  }
}
