/// What one endpoint tells the other, in one frame or in several (RFC 6455 §5.4).
public enum Message {
  /// What a message's bytes are (§5.6).
  public enum Kind: Equatable, Sendable {
    /// UTF-8 text.
    case text
    case binary

    /// The opcode of the frame that begins a message of this kind.
    public var opcode: Opcode {
      switch self {
      case .text: .text
      case .binary: .binary
      }
    }
  }
}
