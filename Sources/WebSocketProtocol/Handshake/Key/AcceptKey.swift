/// The value of `Sec-WebSocket-Accept`: base64 of SHA-1 over the key and a fixed identifier
/// (RFC 6455 §4.2.2, item 5.4).
public struct AcceptKey: Sendable, Equatable {
  /// Characters of a value: base64 of the 20 bytes of SHA-1.
  public static let byteCount = 28

  /// The 28 characters as they appear on the wire.
  public let characters: InlineArray<28, UInt8>

  /// The value that answers a key (RFC 6455 §4.2.2, item 5).
  public init(for key: HandshakeKey) {
    let identifier: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    let joined = InlineArray<60, UInt8> { index in
      index < HandshakeKey.byteCount
        ? key.characters[index]
        : unsafe identifier.utf8Start[index - HandshakeKey.byteCount]
    }
    let digest = SHA1.digest(of: joined.span)
    var characters = InlineArray<28, UInt8>(repeating: 0)
    var text = characters.mutableSpan
    Base64.encode(digest.span, into: &text)
    self.characters = characters
  }

  /// Whether `text` is exactly this value. It is compared with its case (§4.1).
  public func matches(_ text: RawSpan) -> Bool {
    guard text.byteCount == Self.byteCount else { return false }
    return characters.indices.allSatisfy { characters[$0] == text[octet: $0] }
  }

  /// Whether all characters are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.characters.indices.allSatisfy { left.characters[$0] == right.characters[$0] }
  }
}
