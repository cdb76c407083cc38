internal import Reactor
internal import WebSocketProtocol

/// Long messages, which leave in fragments (RFC 6455 §5.4), so that control frames need not wait for all of one.
extension Engine {
  /// The fragments of a message. Nil: it is short enough for one frame.
  @inline(__always)
  func pieces(_ payloadByteCount: Int) -> PayloadPieces? {
    guard payloadByteCount > configuration.fragmentByteCountMax else { return nil }
    return PayloadPieces(
      byteCount: payloadByteCount, pieceByteCount: configuration.fragmentByteCountMax)
  }

  func sendFragments(
    _ pieces: PayloadPieces, _ opcode: Opcode, _ payload: RawSpan,
    completion: SendCompletion?, on connection: ConnectionPointer
  ) -> SendResult {
    let admission = admit(byteCount(of: pieces), kind: .message, to: connection)
    if let refusal = refuse(admission, completion, on: connection) { return refusal }
    connection.webSocket.flags.insert(.mayHaveFragmentsQueued)
    let isDroppable = reactor.dropsSends
    let isSent =
      unsafe completion == nil && !isDroppable && role == .server
      && reactor.sendNow(pieces, of: payload, on: connection) { index, range, memory in
        unsafe Self.writeHeader(opcode, pieces, index, range, nil, into: memory)
      }
    if !isSent {
      enqueue(
        pieces, opcode, payload, completion: completion, on: connection,
        isDroppable: isDroppable)
    }
    return admission == .accepted ? .accepted : .backpressure
  }

  /// Queues a prepared message as it lies there.
  func sendFragments(
    _ pieces: PayloadPieces, of bytes: SharedBytes, completion: SendCompletion?,
    on connection: ConnectionPointer
  ) -> SendResult {
    let admission = admit(byteCount(of: pieces), kind: .message, to: connection)
    if let refusal = refuse(admission, completion, on: connection) { return refusal }
    connection.webSocket.flags.insert(.mayHaveFragmentsQueued)
    let opcode = bytes.withBytes { Self.parts(of: $0).0 }
    unsafe reactor.enqueue(
      bytes, as: pieces, behind: bytes.byteCount - pieces.byteCount,
      completion: completion, on: connection, isDroppable: reactor.dropsSends
    ) { index, range, memory in
      unsafe Self.writeHeader(opcode, pieces, index, range, nil, into: memory)
    }
    return admission == .accepted ? .accepted : .backpressure
  }

  /// The fragments of a message that has been posted in one frame.
  func pieces(of chunk: PostedChunk) -> PayloadPieces? {
    guard unsafe chunk.content.count > configuration.fragmentByteCountMax else { return nil }
    let frame = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(chunk.content))
    return pieces(Self.parts(of: frame).1.count)
  }

  /// Queues a posted message in fragments. A client's masks its bytes where they are, unless they are others' too.
  func enqueue(
    _ chunk: PostedChunk, in pieces: PayloadPieces, on connection: ConnectionPointer
  ) {
    let frame = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(chunk.content))
    let (opcode, range) = Self.parts(of: frame)
    let isDroppable = reactor.dropsSends
    connection.webSocket.flags.insert(.mayHaveFragmentsQueued)
    if role == .client, chunk.isShared {
      enqueue(
        pieces, opcode, frame.extracting(range),
        completion: chunk.takeCompletion(), on: connection, isDroppable: isDroppable)
      return reactor.discard(chunk, .sent, on: connection)
    }
    let payload = unsafe UnsafeMutableRawBufferPointer(rebasing: chunk.content[range])
    unsafe reactor.enqueue(
      chunk, as: pieces, behind: range.lowerBound, on: connection, isDroppable: isDroppable
    ) { index, range, memory in
      let key = nextMaskingKey()
      if let key {
        var span = unsafe MutableRawSpan(_unsafeBytes: payload)
        key.apply(to: &span, in: range)
      }
      return unsafe Self.writeHeader(opcode, pieces, index, range, key, into: memory)
    }
  }

  private func enqueue(
    _ pieces: PayloadPieces, _ opcode: Opcode, _ payload: RawSpan,
    completion: SendCompletion?, on connection: ConnectionPointer, isDroppable: Bool
  ) {
    unsafe reactor.enqueue(
      pieces, completion: completion, on: connection, isDroppable: isDroppable,
      byteCount: { frameByteCount($0.count) }
    ) { index, range, memory in
      var span = unsafe MutableRawSpan(_unsafeBytes: memory)
      FrameEncoder.encode(
        index == 0 ? opcode : .continuation, payload: payload.extracting(range),
        isFinal: index == pieces.count - 1, maskingKey: nextMaskingKey(), into: &span)
    }
  }

  // MARK: Control frames

  /// Whether a control frame may find a fragment to go before. The answer is the same as long as there is one: a later
  /// control frame must not go before an earlier one.
  func mayPassFragments(_ connection: ConnectionPointer) -> Bool {
    guard connection.webSocket.flags.contains(.mayHaveFragmentsQueued) else { return false }
    if reactor.queuedByteCount(of: connection) > 0 { return true }
    connection.webSocket.flags.remove(.mayHaveFragmentsQueued)
    return false
  }

  // MARK: Bytes

  /// The bytes of all fragments of a message, with their headers.
  func byteCount(of pieces: PayloadPieces) -> Int {
    let last = pieces.range(of: pieces.count - 1)
    return (pieces.count - 1) * frameByteCount(pieces.pieceByteCount) + frameByteCount(last.count)
  }

  private static func writeHeader(
    _ opcode: Opcode, _ pieces: PayloadPieces, _ index: Int, _ range: Range<Int>,
    _ key: MaskingKey?, into memory: UnsafeMutableRawBufferPointer
  ) -> Int {
    let header = FrameHeader(
      opcode: index == 0 ? opcode : .continuation, payloadLength: UInt64(range.count),
      isFinal: index == pieces.count - 1, maskingKey: key)
    var span = unsafe MutableRawSpan(_unsafeBytes: memory)
    return header.encode(into: &span)
  }
}
