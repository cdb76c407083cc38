internal import Reactor
internal import WebSocketProtocol

/// Connections whose handler takes frames as they are.
extension Engine {
  func receiveRawFrames(
    _ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer
  ) {
    guard let pending = unsafe connection.webSocket.pending else {
      let rest = unsafe takeFrames(bytes, on: connection)
      guard rest > 0, connection.webSocket.phase == .raw else { return }
      let tail = unsafe UnsafeRawBufferPointer(rebasing: bytes.suffix(rest))
      return unsafe pendingBytes(of: connection).pointee.append(tail, reactor)
    }
    unsafe pending.pointee.append(UnsafeRawBufferPointer(bytes), reactor)
    let whole = unsafe pending.pointee.bytes
    let rest = unsafe takeFrames(whole, on: connection)
    guard rest < whole.count else { return }
    // What is left moves to a block that fits it, so that one large frame does not hold its memory
    // for ever.
    let fresh = unsafe PendingBytes.make(reactor)
    if rest > 0 {
      unsafe fresh.pointee.append(
        UnsafeRawBufferPointer(rebasing: whole.suffix(rest)), reactor)
    }
    freePending(connection)
    unsafe connection.webSocket.pending = fresh
    releaseEmptyPending(connection)
  }

  /// Hands on every frame that is there whole. Returns the bytes left.
  private func takeFrames(
    _ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer
  ) -> Int {
    var span = unsafe MutableRawSpan(_unsafeBytes: bytes)
    var offset = 0
    while connection.webSocket.phase == .raw,
      let header = FrameHeader.parse(span.bytes, at: offset)
    {
      if let error = check(header) {
        fail(
          connection, .protocolError(error), code: error.closeCode, reason: error.reason)
        return 0
      }
      let start = offset + header.encodedByteCount
      // Compared before it is added: the limit may be all that an integer holds, and so may what a
      // peer declares.
      guard header.payloadLength <= UInt64(bytes.count - start) else { break }
      let end = start + Int(header.payloadLength)
      header.maskingKey?.apply(to: &span, in: start..<end)
      reactor.count(messages: 1)
      let frame = IncomingFrame(header, payload: span.bytes.extracting(start..<end))
      if header.opcode == .close {
        receiveClose(frame, on: connection)
      } else {
        unsafe application.received(frame, on: handle(connection), state: connection.state)
      }
      offset = end
    }
    return bytes.count - offset
  }

  /// The connection ends when both ends have sent a close frame, whoever has written ours.
  private func receiveClose(_ frame: borrowing IncomingFrame, on connection: ConnectionPointer) {
    let code = frame.closeCode
    connection.webSocket.session.noteClose(code)
    unsafe application.received(frame, on: handle(connection), state: connection.state)
    guard connection.webSocket.session.closeHandshake.isClean else { return }
    perform(connection.webSocket.session.answerClose(), on: connection)
    reportClosed(
      connection, code: code ?? .noStatusReceived, reason: frame.closeReason, error: nil)
  }

  private func check(_ header: FrameHeader) -> ProtocolError? {
    switch role {
    case .server: if header.maskingKey == nil { return .frameNotMasked }
    case .client: if header.maskingKey != nil { return .frameMasked }
    }
    // So that a handler may answer any ping with `Connection.pong`.
    if header.opcode.isControl, header.payloadLength > 125 { return .controlFrameTooLong }
    return header.payloadLength > UInt64(limits.frameByteCountMax) ? .frameTooBig : nil
  }
}

extension IncomingFrame {
  /// The code of a close frame, valid or not. Nil: it has none.
  fileprivate var closeCode: CloseCode? {
    guard payload.byteCount >= 2 else { return nil }
    let number = unsafe payload.unsafeLoadUnaligned(as: UInt16.self)
    return CloseCode(rawValue: UInt16(bigEndian: number))
  }

  /// What follows the code.
  fileprivate var closeReason: String {
    unsafe payload.withUnsafeBytes { unsafe String(decoding: $0.dropFirst(2), as: UTF8.self) }
  }
}
