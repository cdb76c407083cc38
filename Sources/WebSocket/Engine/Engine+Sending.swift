internal import Reactor
internal import WebSocketProtocol

/// What is being sent, in the marks that posted chunks carry.
enum SendKind: UInt8 {
  /// A whole message.
  case message
  case firstFragment
  case middleFragment
  case lastFragment
  /// A ping or pong.
  case control
  /// A frame that the application has made itself.
  case raw
  /// Not a frame: a close code and reason, for the state machine to send.
  case close

  var isFinal: Bool { self != .firstFragment && self != .middleFragment }

  /// Whether the queue's limits apply.
  var isLimited: Bool { rawValue <= SendKind.lastFragment.rawValue || self == .raw }
}

extension Engine {
  // MARK: On the reactor's thread

  func send(
    _ opcode: Opcode, _ payload: RawSpan, kind: SendKind,
    completion: SendCompletion?, on connection: ConnectionPointer
  ) -> SendResult {
    if kind == .message, let pieces = pieces(payload.byteCount) {
      return sendFragments(
        pieces, opcode, payload, completion: completion, on: connection)
    }
    let byteCount = frameByteCount(payload.byteCount)
    let admission = admit(byteCount, kind: kind, to: connection)
    if let refusal = refuse(admission, completion, on: connection) { return refusal }
    note(kind, on: connection)
    let isDroppable = kind == .message && reactor.dropsSends
    if completion == nil, !isDroppable {
      if role == .server, payload.byteCount >= Reactor.sendNowByteCountMin,
        sendNow(opcode, payload, kind, on: connection)
      {
        return admission == .accepted ? .accepted : .backpressure
      }
      if kind == .control, mayPassFragments(connection) {
        let chunk = reactor.makeChunk(byteCount: byteCount)
        unsafe encode(opcode, payload, kind, into: chunk.content)
        reactor.enqueueControl(chunk, on: connection)
        return .accepted
      }
      let room = unsafe reactor.reserve(byteCount, on: connection)
      unsafe encode(opcode, payload, kind, into: room)
    } else {
      let chunk = reactor.makeChunk(byteCount: byteCount, completion: completion)
      unsafe encode(opcode, payload, kind, into: chunk.content)
      reactor.enqueue(chunk, on: connection, isDroppable: isDroppable)
    }
    return admission == .accepted ? .accepted : .backpressure
  }

  /// The most common case by a shortcut: a short message that meets no limit. Nil: it is not that
  /// case, and nothing has happened.
  @inline(__always)
  func sendShortMessage(
    _ opcode: Opcode, _ payload: RawSpan, on connection: ConnectionPointer
  ) -> SendResult? {
    let byteCount = payload.byteCount
    guard byteCount <= 125, connection.webSocket.canSendMessages,
      reactor.hasRoom(for: byteCount, on: connection), !reactor.dropsSends
    else { return nil }
    let room = unsafe reactor.reserve(2 + byteCount, on: connection)
    guard let start = room.baseAddress else { return nil }
    unsafe start.storeBytes(of: 0x80 | opcode.rawValue, as: UInt8.self)
    unsafe start.storeBytes(of: UInt8(byteCount), toByteOffset: 1, as: UInt8.self)
    unsafe payload.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return }
      unsafe (start + 2).copyMemory(from: source, byteCount: byteCount)
    }
    return .accepted
  }

  private func sendNow(
    _ opcode: Opcode, _ payload: RawSpan, _ kind: SendKind, on connection: ConnectionPointer
  ) -> Bool {
    let header = FrameHeader(
      opcode: opcode, payloadLength: UInt64(payload.byteCount), isFinal: kind.isFinal)
    var bytes: [14 of UInt8] = .init(repeating: 0)
    var span = bytes.mutableSpan
    var rawSpan = unsafe span.mutableBytes
    let count = header.encode(into: &rawSpan)
    return reactor.sendNow(
      header: rawSpan.bytes.extracting(0..<count), payload: payload, on: connection)
  }

  func sendControl(_ opcode: Opcode, _ payload: RawSpan, on connection: ConnectionPointer) {
    _ = send(opcode, payload, kind: .control, completion: nil, on: connection)
  }

  func sendFrame(
    _ header: FrameHeader, _ payload: RawSpan, on connection: ConnectionPointer
  ) -> SendResult {
    let byteCount = header.encodedByteCount + payload.byteCount
    switch admit(byteCount, kind: .raw, to: connection) {
    case .dropped: return .dropped
    case .closed: return .closed
    case .overflow:
      overflow(connection)
      return .closed
    case let admission:
      let room = unsafe reactor.reserve(byteCount, on: connection)
      unsafe Self.encode(header, payload, into: room)
      unsafe noteFrame(room[0], on: connection)
      return admission == .accepted ? .accepted : .backpressure
    }
  }

  func sendClose(_ code: CloseCode?, reason: String, on connection: ConnectionPointer) {
    connection.webSocket.canSendMessages = false
    guard reactor.canSend(on: connection) else { return }
    _ = reactor.fold(connection, before: 0)
    leaveTopics(connection)
    let payloadByteCount = ClosePayload.byteCount(code: code, reason: reason)
    let room = unsafe reactor.reserve(frameByteCount(payloadByteCount), on: connection)
    var span = unsafe MutableRawSpan(_unsafeBytes: room)
    let header = FrameHeader(
      opcode: .close, payloadLength: UInt64(payloadByteCount), maskingKey: nextMaskingKey())
    let offset = header.encode(into: &span)
    ClosePayload.encode(code: code, reason: reason, into: &span, at: offset)
    header.maskingKey?.apply(to: &span, in: offset..<span.byteCount)
  }

  // MARK: From other threads

  func posted(_ chunk: PostedChunk, on connection: ConnectionPointer) {
    guard let kind = SendKind(rawValue: chunk.kind) else { preconditionFailure("unknown chunk") }
    if kind == .close {
      let (code, reason) = unsafe Self.closeOrder(UnsafeRawBufferPointer(chunk.content))
      close(connection, code: code, reason: reason)
      return reactor.discard(chunk, .sent)
    }
    let pieces = kind == .message ? self.pieces(of: chunk) : nil
    let byteCount = unsafe pieces.map { self.byteCount(of: $0) } ?? chunk.content.count
    switch admit(byteCount, kind: kind, isPosted: true, to: connection) {
    case .accepted, .acceptedWithBackpressure: break
    case .dropped:
      // Its sender has gone on with the rest: without it the message would arrive with a hole.
      if kind == .middleFragment || kind == .lastFragment { overflow(connection) }
      return reactor.discard(chunk, .dropped, on: connection)
    case .closed: return reactor.discard(chunk, .closed, on: connection)
    case .overflow:
      overflow(connection)
      return reactor.discard(chunk, .closed)
    }
    note(kind, on: connection)
    if kind == .raw { unsafe noteFrame(chunk.content[0], on: connection) }
    if let pieces { return enqueue(chunk, in: pieces, on: connection) }
    if role == .client, kind != .raw {
      guard !chunk.isShared else { return enqueueMasked(chunk, on: connection) }
      mask(chunk)
    }
    if kind == .control, mayPassFragments(connection) {
      return reactor.enqueueControl(chunk, on: connection)
    }
    reactor.enqueue(
      chunk, on: connection, isDroppable: kind == .message && reactor.dropsSends)
  }

  /// What tells a close code and reason to the owner's thread.
  static func closeOrder(_ bytes: UnsafeRawBufferPointer) -> (CloseCode?, String) {
    let number = unsafe bytes.loadUnaligned(as: UInt16.self)
    let reason = unsafe String(decoding: bytes[2...], as: UTF8.self)
    return (number == 0 ? nil : CloseCode(rawValue: number), reason)
  }

  // MARK: Both

  /// The bytes of a frame that this end sends.
  @inline(__always)
  func frameByteCount(_ payloadByteCount: Int) -> Int {
    FrameEncoder.byteCount(payloadByteCount: payloadByteCount, isMasked: role == .client)
  }

  /// Encodes a frame as this end sends it, into memory of just its length.
  func encode(
    _ opcode: Opcode, _ payload: RawSpan, _ kind: SendKind,
    into memory: UnsafeMutableRawBufferPointer
  ) {
    var span = unsafe MutableRawSpan(_unsafeBytes: memory)
    FrameEncoder.encode(
      opcode, payload: payload, isFinal: kind.isFinal, maskingKey: nextMaskingKey(), into: &span)
  }

  /// Encodes a server's frame, header and payload, into memory of just its length. For a client's,
  /// `mask` makes it one on the owner's thread.
  static func encode(
    _ opcode: Opcode, _ payload: RawSpan, _ kind: SendKind,
    into memory: UnsafeMutableRawBufferPointer
  ) {
    var span = unsafe MutableRawSpan(_unsafeBytes: memory)
    FrameEncoder.encode(opcode, payload: payload, isFinal: kind.isFinal, into: &span)
  }

  static func encode(
    _ header: FrameHeader, _ payload: RawSpan, into memory: UnsafeMutableRawBufferPointer
  ) {
    var span = unsafe MutableRawSpan(_unsafeBytes: memory)
    let offset = header.encode(into: &span)
    if let maskingKey = header.maskingKey {
      maskingKey.copy(payload, into: &span, at: offset)
    } else {
      unsafe payload.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: source)
      }
    }
  }

  /// Asks the protocol, then the queue.
  func admit(
    _ byteCount: Int, kind: SendKind, isPosted: Bool = false,
    to connection: ConnectionPointer
  ) -> QueueAdmission {
    guard canSend(kind, on: connection) else { return .closed }
    guard kind.isLimited else { return .accepted }
    let isSubscribed = reactor.isSubscribed(connection)
    if isSubscribed {
      reactor.makeRoomBehindTopics(byteCount, of: connection)
      guard canSend(kind, on: connection) else { return .closed }
      if let refusal = refusal(byteCount, behindTopicsOf: connection) { return refusal }
      // The handler may have been told of a gap, and have done anything then.
      guard canSend(kind, on: connection) else { return .closed }
    }
    let admission =
      isPosted
      ? reactor.admitPosted(byteCount, to: connection)
      : reactor.admit(byteCount, to: connection)
    // The completions of what was sent or dropped to make room may have closed the connection, or begun a
    // fragmented message.
    guard canSend(kind, on: connection) else { return .closed }
    // Those may also have filled the socket, which has given back what was folded.
    if isSubscribed, admission == .accepted || admission == .acceptedWithBackpressure {
      if let refusal = refusal(byteCount, behindTopicsOf: connection) { return refusal }
      guard canSend(kind, on: connection) else { return .closed }
    }
    return admission
  }

  /// Whether this may be sent now. Another message between the fragments of one would be taken for
  /// a part of it (RFC 6455 §5.4).
  func canSend(_ kind: SendKind, on connection: ConnectionPointer) -> Bool {
    guard isOpen(connection), reactor.canSend(on: connection),
      connection.webSocket.session.canSendData
    else { return false }
    let isSendingFragments = connection.webSocket.flags.contains(.isSendingFragments)
    return switch kind {
    case .message, .firstFragment: !isSendingFragments
    case .middleFragment, .lastFragment: isSendingFragments
    case .control, .raw, .close: true
    }
  }

  private func note(_ kind: SendKind, on connection: ConnectionPointer) {
    switch kind {
    case .firstFragment:
      reactor.holdTopics(of: connection, true)
      connection.webSocket.flags.insert(.isSendingFragments)
      connection.webSocket.canSendMessages = false
    case .lastFragment:
      connection.webSocket.flags.remove(.isSendingFragments)
      reactor.holdTopics(of: connection, false)
      connection.webSocket.canSendMessages = role == .server
    case .message, .middleFragment, .control, .raw, .close: break
    }
  }

  /// The queue is full and the policy is to close: with 1013, behind what is queued, if the peer
  /// reads on in time.
  ///
  /// The application hears of it in the next pass: it may be sending from within a call for this
  /// very connection, and then still has the state in its hands.
  func overflow(_ connection: ConnectionPointer) {
    connection.webSocket.flags.insert(.hasOverflowed)
    let action = connection.webSocket.session.fail(with: .tryAgainLater)
    perform(action, on: connection, reason: "reading too slowly")
    let handle = handle(connection)
    reactor.execute { _ in
      handle.onOwner { $0.reportOverflow(of: $1) }
    }
  }

  private func reportOverflow(of connection: ConnectionPointer) {
    report(.queueOverflow, on: connection)
    reportClosed(connection, error: .queueOverflow)
  }

  /// The answer to a send that has not been admitted. Nil: it has been.
  @inline(__always)
  func refuse(
    _ admission: QueueAdmission, _ completion: SendCompletion?, on connection: ConnectionPointer
  ) -> SendResult? {
    switch admission {
    case .accepted, .acceptedWithBackpressure: return nil
    case .dropped: return refuse(completion, .dropped)
    case .closed: return refuse(completion, .closed)
    case .overflow:
      overflow(connection)
      return refuse(completion, .closed)
    }
  }

  func refuse(_ completion: SendCompletion?, _ outcome: SendOutcome) -> SendResult {
    completion?(outcome)
    return outcome == .dropped ? .dropped : .closed
  }
}
