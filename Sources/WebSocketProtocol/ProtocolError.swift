/// A rule of RFC 6455 that the peer broke, or a limit that it exceeded.
///
/// The connection has to be failed with `closeCode` and `reason`.
public enum ProtocolError: Error, Equatable, Sendable, CaseIterable {
  /// RSV1, RSV2 or RSV3 is set, and no extension gives it a meaning (§5.2).
  case reservedBitSet
  /// An opcode that has no meaning (§5.2).
  case reservedOpcode
  /// The payload length does not use the smallest field that can carry it (§5.2).
  case lengthNotMinimal
  /// The most significant bit of a 64-bit payload length is set (§5.2).
  case lengthTooLarge
  /// A client did not mask a frame (§5.1).
  case frameNotMasked
  /// A server masked a frame (§5.1).
  case frameMasked
  /// A continuation frame, but no message to continue (§5.4).
  case unexpectedContinuation
  /// A new message, but the one before is not finished (§5.4).
  case messageNotFinished
  /// A control frame without FIN (§5.5).
  case controlFrameFragmented
  /// A control frame with a payload of more than 125 bytes (§5.5).
  case controlFrameTooLong
  /// A close frame whose payload is a single byte, which cannot be a code (§5.5.1).
  case closePayloadTooShort
  /// A close code that must not be sent (§7.4).
  case invalidCloseCode
  /// A close reason that is not UTF-8 (§5.5.1, §8.1).
  case invalidCloseReason
  /// A text message that is not UTF-8 (§8.1).
  case invalidText
  /// A frame that declares more bytes than `Session.Limits` allows (§10.4).
  case frameTooBig
  /// A message whose frames declare more bytes than `Session.Limits` allows (§10.4).
  case messageTooBig

  /// The code that tells the peer what was wrong (§7.4.1).
  public var closeCode: CloseCode {
    switch self {
    case .invalidText, .invalidCloseReason: .invalidPayloadData
    case .frameTooBig, .messageTooBig: .messageTooBig
    default: .protocolError
    }
  }

  /// The same for people, short enough for a close frame.
  public var reason: String {
    switch self {
    case .reservedBitSet: "reserved bit set without an extension"
    case .reservedOpcode: "reserved opcode"
    case .lengthNotMinimal: "payload length not minimally encoded"
    case .lengthTooLarge: "payload length with the top bit set"
    case .frameNotMasked: "frame from a client not masked"
    case .frameMasked: "frame from a server masked"
    case .unexpectedContinuation: "continuation frame without a message"
    case .messageNotFinished: "new message inside a fragmented one"
    case .controlFrameFragmented: "fragmented control frame"
    case .controlFrameTooLong: "control frame longer than 125 bytes"
    case .closePayloadTooShort: "close payload of one byte"
    case .invalidCloseCode: "invalid close code"
    case .invalidCloseReason: "close reason not UTF-8"
    case .invalidText: "text not UTF-8"
    case .frameTooBig: "frame too big"
    case .messageTooBig: "message too big"
    }
  }
}

extension ProtocolError: CustomStringConvertible {
  /// What the peer did, and what follows from it, in whole sentences.
  public var description: String {
    switch self {
    case .frameTooBig, .messageTooBig:
      "The peer sent more than a limit allows: \(reason). The connection is closed with 1009. Raise "
        + "messageByteCountMax or frameByteCountMax if such messages are to be received."
    default:
      "The peer broke a rule of the WebSocket protocol: \(reason). The connection is closed with "
        + "\(closeCode.rawValue), and the mistake is the peer's."
    }
  }
}
