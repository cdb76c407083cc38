public import WebSocketProtocol

/// A text or binary message that has arrived.
///
/// A view of the receive buffer, valid only during the call it is given to: the compiler refuses to
/// let it escape. Copy what is to be kept.
public struct IncomingMessage: ~Escapable {
  /// Whether it is a text or a binary message (RFC 6455 §5.6).
  public let kind: Message.Kind
  /// The payload. Of a text: valid UTF-8.
  public let bytes: RawSpan

  /// A view of bytes that live elsewhere, to hand a message of one's own to a handler. Bytes of a text must be UTF-8.
  @_lifetime(copy bytes)
  @inlinable
  public init(_ kind: Message.Kind, bytes: RawSpan) {
    self.kind = kind
    self.bytes = bytes
  }

  /// Whether it is a text message.
  public var isText: Bool { kind == .text }

  /// Bytes of the payload.
  public var byteCount: Int { bytes.byteCount }

  /// A copy of the payload as a string. What is no UTF-8 (in a binary message) is replaced by
  /// U+FFFD.
  public var text: String {
    unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// A copy of the payload.
  public var copy: [UInt8] {
    unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }
}

/// A frame as it is on the wire, for handlers that do without messages. Its payload is unmasked,
/// and valid only during the call.
public struct IncomingFrame: ~Escapable {
  /// The header as it was on the wire (RFC 6455 §5.2).
  public let header: FrameHeader
  /// The payload, unmasked.
  public let payload: RawSpan

  /// A view of bytes that live elsewhere, to hand a frame of one's own to a handler.
  @_lifetime(copy payload)
  @inlinable
  public init(_ header: FrameHeader, payload: RawSpan) {
    self.header = header
    self.payload = payload
  }
}
