internal import Reactor
internal import WebSocketProtocol

/// What a client sends is masked (RFC 6455 §5.3), on its reactor's thread: other threads need not
/// know whose connection it is.
extension Engine {
  /// A fresh key for a frame of a client's; nil for a server's.
  @inline(__always)
  func nextMaskingKey() -> MaskingKey? {
    role == .client ? MaskingKey(scratch.value.randomness.next(UInt32.self)) : nil
  }

  /// Makes a client's frame of a posted one that is not masked: the header moves forward, to make
  /// room for the key.
  func mask(_ chunk: PostedChunk) {
    let headerByteCount = unsafe Self.header(of: chunk.content).encodedByteCount
    chunk.prepend(MaskingKey.byteCount)
    var header = unsafe Self.header(
      of: UnsafeMutableRawBufferPointer(rebasing: chunk.content[MaskingKey.byteCount...]))
    header.maskingKey = nextMaskingKey()
    var span = unsafe MutableRawSpan(_unsafeBytes: chunk.content)
    let offset = header.encode(into: &span)
    assert(offset == headerByteCount + MaskingKey.byteCount)
    header.maskingKey?.apply(to: &span, in: offset..<span.byteCount)
  }

  /// Queues a client's copy of a frame that others share.
  func enqueueMasked(_ shared: PostedChunk, on connection: ConnectionPointer) {
    let frame = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(shared.content))
    let (opcode, range) = Self.parts(of: frame)
    let payload = frame.extracting(range)
    let copy = reactor.makeChunk(
      byteCount: frameByteCount(payload.byteCount),
      completion: shared.takeCompletion())
    unsafe encode(opcode, payload, .message, into: copy.content)
    if shared.reportsBackpressure { reactor.reportBackpressure(on: connection) }
    reactor.discard(shared, .sent)
    reactor.enqueue(copy, on: connection, isDroppable: reactor.dropsSends)
  }

  /// The opcode of a whole frame of our own that is not masked, and where its payload is.
  static func parts(of frame: RawSpan) -> (Opcode, Range<Int>) {
    guard let header = FrameHeader.parse(frame, at: 0) else {
      preconditionFailure("a frame of our own has a header")
    }
    return (header.opcode, header.encodedByteCount..<frame.byteCount)
  }

  private static func header(of frame: UnsafeMutableRawBufferPointer) -> FrameHeader {
    guard
      let header = unsafe FrameHeader.parse(
        RawSpan(_unsafeBytes: UnsafeRawBufferPointer(frame)), at: 0)
    else { preconditionFailure("a frame of our own has a header") }
    return header
  }
}
