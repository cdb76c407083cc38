/// What makes the head of a request or a response no HTTP/1.1 (RFC 9112 §2–§5), or too large.
public enum HeadError: Error, Sendable, Equatable, CaseIterable {
  /// No end of the head within the limit (RFC 6585 §5).
  case tooLong
  /// More header fields than the limit (RFC 6585 §5).
  case tooManyFields
  /// A carriage return that no line feed follows (RFC 9112 §2.2).
  case bareCarriageReturn
  /// A line feed that no carriage return precedes. RFC 9112 §2.2 lets a recipient accept it; one
  /// that does may see other lines than a proxy in front of it.
  case bareLineFeed
  /// A control character (RFC 9110 §5.5).
  case controlCharacter
  /// A field line that begins with white space: any of a request, the first one of a response
  /// (RFC 9112 §5.2, §2.2).
  case foldedLine
  /// A field line without a colon, or whose name is no token (RFC 9112 §5).
  case invalidFieldName
  /// White space between a field's name and its colon (RFC 9112 §5.1).
  case whitespaceBeforeColon

  /// What is wrong, in a few words.
  public var reason: String {
    switch self {
    case .tooLong: "the header is too long"
    case .tooManyFields: "the header has too many fields"
    case .bareCarriageReturn: "a carriage return without a line feed"
    case .bareLineFeed: "a line feed without a carriage return"
    case .controlCharacter: "a control character in the header"
    case .foldedLine: "a header field is folded over lines"
    case .invalidFieldName: "a header field has no valid name"
    case .whitespaceBeforeColon: "white space before the colon of a header field"
    }
  }
}

extension HeadError: CustomStringConvertible {
  /// What is wrong, in whole sentences.
  public var description: String {
    switch self {
    case .tooLong: "\(start): \(reason). Raise HandshakeLimits.headByteCountMax to accept it."
    case .tooManyFields: "\(start): \(reason). Raise HandshakeLimits.headerCountMax to accept it."
    default: "\(start): \(reason). It must be HTTP/1.1 (RFC 9112)."
    }
  }

  private var start: String { "The head of an HTTP message is refused" }
}
