/// The value of `Sec-WebSocket-Key`: 16 random bytes in base64 (RFC 6455 §4.1, item 7).
public struct HandshakeKey: Sendable, Equatable {
  /// Bytes that a client chooses at random (RFC 6455 §4.1, item 7).
  public static let nonceByteCount = 16
  /// Characters of a value: base64 of the 16 bytes.
  public static let byteCount = 24

  /// The 24 characters as they appear on the wire.
  public let characters: InlineArray<24, UInt8>

  /// The key of a client. `nonce` must come from a source of good randomness.
  public init(nonce: InlineArray<16, UInt8>) {
    var characters = InlineArray<24, UInt8>(repeating: 0)
    var text = characters.mutableSpan
    Base64.encode(nonce.span, into: &text)
    self.characters = characters
  }

  /// The key that a client has sent, or nil if `text` is not 16 bytes in base64 (RFC 6455 §4.2.1,
  /// item 5). The characters stay as they were sent: the answer is computed from them.
  public init?(_ text: RawSpan) {
    guard text.byteCount == Self.byteCount else { return nil }
    // 16 bytes fill 21 characters and two bits of the next. The other four bits may be anything: a
    // decoder may ignore them (RFC 4648 §3.5), and there are clients that draw 22 characters.
    for index in 0..<22 where Base64.sextet(of: text[octet: index]) == nil { return nil }
    guard text[octet: 22] == Base64.padding, text[octet: 23] == Base64.padding else { return nil }
    characters = InlineArray { text[octet: $0] }
  }

  /// What a server must answer to this key.
  public var accept: AcceptKey { AcceptKey(for: self) }

  /// Whether all characters are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.characters.indices.allSatisfy { left.characters[$0] == right.characters[$0] }
  }
}
