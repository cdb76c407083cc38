/// One end of a WebSocket connection after the opening handshake: the peer's bytes in, events out,
/// and the rules of RFC 6455 kept by both.
///
/// A session stores no bytes and owns no memory. It is driven like this, whenever bytes arrive:
/// ```
/// while let event = try session.next(in: &bytes, offset: &offset, limits: limits) { … }
/// ```
/// After `nil`, the bytes from `offset` on are an unfinished header or control frame, at most
/// `unconsumedByteCountMax` of them: they must stand in front of what arrives next. After an error,
/// send what `fail(with:)` says.
///
/// To be used from one thread at a time.
public struct Session: ~Copyable {
  /// The most bytes that `next` leaves to be presented again: a masked control frame but for its
  /// last byte. Everything else is consumed as it arrives.
  public static let unconsumedByteCountMax = 2 + 4 + 125 - 1

  /// Which end it is: who masks, and who must not (RFC 6455 §5.1).
  public let role: Role
  /// Who has said what of the closing handshake.
  public private(set) var closeHandshake = CloseHandshake.open
  private var expected = Expectation.frame {
    didSet { noteExpected() }
  }
  /// The message of which some frames, but not the last one, have begun or have been received.
  private var message: PartialMessage? {
    didSet { noteExpected() }
  }
  /// Whether the next byte begins a frame of a client, and with it a message or a control frame.
  @usableFromInline private(set) var takesShortMessages: Bool

  /// A session whose opening handshake is done, and nothing has been received or sent.
  public init(role: Role) {
    self.role = role
    takesShortMessages = role == .server
  }

  private mutating func noteExpected() {
    takesShortMessages =
      if case .frame = expected { role == .server && message == nil } else { false }
  }

  /// What the next byte is.
  private enum Expectation {
    /// The first byte of a frame.
    case frame
    /// A byte of a data frame's payload.
    case payload(PartialFrame)
    /// Nothing that matters: the peer has sent its close frame, or broken a rule (§5.5.1, §7.1.7).
    case nothing
  }

  /// A data frame whose payload is arriving.
  private struct PartialFrame {
    var missingByteCount: Int
    /// The key as from the first missing byte on.
    var maskingKey: MaskingKey?
    var isFinal: Bool
  }

  /// A message that is arriving.
  private struct PartialMessage {
    /// What its frames so far have declared.
    var byteCount = 0
    let kind: Message.Kind
    var validator = UTF8Validator()

    init(_ kind: Message.Kind) {
      self.kind = kind
    }
  }
}

// MARK: - Receiving

extension Session {
  /// Takes the next event out of the bytes from `offset` on, and moves `offset` behind it.
  ///
  /// Payloads are unmasked in place. Returns `nil` when more bytes are needed; the bytes from
  /// `offset` on are then untouched. After a close frame or an error all bytes are ignored.
  public mutating func next(
    in bytes: inout MutableRawSpan, offset: inout Int, limits: Limits
  ) throws(ProtocolError) -> Event? {
    do throws(ProtocolError) {
      while offset < bytes.byteCount {
        switch expected {
        case .frame:
          let start = offset
          guard let header = FrameHeader.parse(bytes.bytes, at: start) else { return nil }
          try check(header)
          if header.opcode.isControl {
            return try receiveControlFrame(header, in: &bytes, offset: &offset)
          }
          var (frame, message) = try begin(header, limits: limits)
          let payload = start + header.encodedByteCount
          if self.message == nil, frame.isFinal,
            frame.missingByteCount <= bytes.byteCount - payload
          {
            // The common case: a message in one frame, all of it here. It leaves no trace.
            let piece = payload..<payload + frame.missingByteCount
            try unmask(piece, of: frame, &message, isLast: true, in: &bytes)
            offset = piece.upperBound
            return .message(message.kind, piece)
          }
          offset = payload
          let event = try receivePayload(of: frame, message, in: &bytes, offset: &offset)
          if let event { return event }
        case .payload(let frame):
          guard let message else { preconditionFailure("a payload belongs to a message") }
          return try receivePayload(of: frame, message, in: &bytes, offset: &offset)
        case .nothing:
          offset = bytes.byteCount
        }
      }
      return nil
    } catch {
      expected = .nothing
      message = nil
      offset = bytes.byteCount
      throw error
    }
  }

  /// The rules that a header breaks by itself.
  @inline(__always)
  private func check(_ header: FrameHeader) throws(ProtocolError) {
    guard header.reservedBits.isSubset(of: negotiatedBits) else { throw .reservedBitSet }
    guard !header.opcode.isReserved else { throw .reservedOpcode }
    switch role {
    case .server: guard header.maskingKey != nil else { throw .frameNotMasked }
    case .client: guard header.maskingKey == nil else { throw .frameMasked }
    }
    guard header.lengthField == .minimal(for: header.payloadLength) else { throw .lengthNotMinimal }
    guard header.payloadLength >> 63 == 0 else { throw .lengthTooLarge }
    if header.opcode.isControl {
      guard header.isFinal else { throw .controlFrameFragmented }
      guard header.payloadLength <= 125 else { throw .controlFrameTooLong }
    }
  }

  /// The reserved bits to which a negotiated extension gives a meaning (§5.2, §9): none yet.
  private var negotiatedBits: FrameHeader.ReservedBits { [] }

  /// Begins a data frame: that of a new message, or the continuation of the one that is open
  /// (§5.4).
  @inline(__always)
  private mutating func begin(
    _ header: FrameHeader, limits: Limits
  ) throws(ProtocolError) -> (PartialFrame, PartialMessage) {
    var message: PartialMessage
    if header.opcode == .continuation {
      guard let open = self.message else { throw .unexpectedContinuation }
      message = open
    } else {
      guard self.message == nil else { throw .messageNotFinished }
      message = PartialMessage(header.opcode == .text ? .text : .binary)
    }
    // Compared before it is added: a declared length can be anything up to 2^63 - 1.
    let byteCount = Int(header.payloadLength)
    guard byteCount <= limits.frameByteCountMax else { throw .frameTooBig }
    guard byteCount <= limits.messageByteCountMax - message.byteCount else { throw .messageTooBig }
    message.byteCount += byteCount
    let frame = PartialFrame(
      missingByteCount: byteCount, maskingKey: header.maskingKey, isFinal: header.isFinal)
    return (frame, message)
  }

  /// Takes what has arrived of a data frame's payload. Returns `nil` when that is nothing, and
  /// when it is a frame without a payload that does not end its message.
  private mutating func receivePayload(
    of frame: PartialFrame, _ message: PartialMessage, in bytes: inout MutableRawSpan,
    offset: inout Int
  ) throws(ProtocolError) -> Event? {
    var (frame, message) = (frame, message)
    let isFirst = frame.missingByteCount == message.byteCount
    let byteCount = min(frame.missingByteCount, bytes.byteCount - offset)
    let piece = offset..<offset + byteCount
    let isLast = frame.isFinal && byteCount == frame.missingByteCount
    try unmask(piece, of: frame, &message, isLast: isLast, in: &bytes)

    offset = piece.upperBound
    frame.missingByteCount -= byteCount
    frame.maskingKey = frame.maskingKey?.advanced(by: byteCount)
    expected = frame.missingByteCount == 0 ? .frame : .payload(frame)
    self.message = isLast ? nil : message
    if isFirst, isLast { return .message(message.kind, piece) }
    guard isLast || !piece.isEmpty else { return nil }
    return .fragment(message.kind, piece, isFirst: isFirst, isLast: isLast)
  }

  /// Unmasks a piece of a message and, if that is a text, checks that it is one.
  @inline(__always)
  private func unmask(
    _ piece: Range<Int>, of frame: PartialFrame, _ message: inout PartialMessage, isLast: Bool,
    in bytes: inout MutableRawSpan
  ) throws(ProtocolError) {
    let isASCII = frame.maskingKey?.apply(to: &bytes, in: piece) ?? false
    guard message.kind == .text else { return }
    if isASCII, message.validator.isComplete { return }
    guard message.validator.accept(bytes.bytes.extracting(piece)) else { throw .invalidText }
    if isLast, !message.validator.isComplete { throw .invalidText }
  }

  /// Takes a control frame, once all of it is there. One may stand between the frames of a message
  /// and changes nothing about it (§5.4).
  private mutating func receiveControlFrame(
    _ header: FrameHeader, in bytes: inout MutableRawSpan, offset: inout Int
  ) throws(ProtocolError) -> Event? {
    let start = offset + header.encodedByteCount
    let end = start + Int(header.payloadLength)
    guard end <= bytes.byteCount else { return nil }
    let payload = start..<end
    header.maskingKey?.apply(to: &bytes, in: payload)
    offset = end
    switch header.opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong(payload)
    default: return try receiveClose(payload, in: bytes.bytes)
    }
  }

  private mutating func receiveClose(
    _ payload: Range<Int>, in bytes: RawSpan
  ) throws(ProtocolError) -> Event {
    let (code, reason) = try ClosePayload.parse(bytes, in: payload)
    closeHandshake.receive(code)
    expected = .nothing
    message = nil
    return .close(code, reason: reason)
  }
}

// MARK: - Closing

extension Session {
  /// Whether data may be sent: not after our close frame (§5.5.1).
  public var canSendData: Bool { !closeHandshake.hasSentClose }

  /// Begins the closing handshake, or answers the peer's with a code of our own. `nil` for a close
  /// frame without a code. A code that no close frame may carry is replaced (`CloseCode.forWire`).
  public mutating func close(with code: CloseCode?) -> CloseHandshake.Action {
    closeHandshake.close(with: code?.forWire, role: role)
  }

  /// To be called after the event `close`, as soon as it has been dealt with.
  public mutating func answerClose() -> CloseHandshake.Action {
    closeHandshake.answer(role: role)
  }

  /// Notes a close frame of the peer that was not read by `next`, by an endpoint that takes frames
  /// as they are.
  public mutating func noteClose(_ code: CloseCode?) {
    closeHandshake.receive(code)
  }

  /// Gives the connection up, after an error of `next` or for a reason of our own. What the peer
  /// still sends is ignored.
  /// A code that no close frame may carry is replaced by 1011.
  public mutating func fail(with code: CloseCode) -> CloseHandshake.Action {
    expected = .nothing
    message = nil
    return closeHandshake.fail(with: code.forWire ?? .internalError)
  }
}
