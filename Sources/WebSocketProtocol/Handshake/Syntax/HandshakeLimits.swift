/// How much a peer may send before its handshake is refused.
public struct HandshakeLimits: Sendable, Equatable {
  /// Bytes from the first of the request or status line up to and with the empty line; of a request
  /// also the empty lines in front of it.
  /// Beyond it a request is answered with 431. Default 16,384; at most 16 MiB.
  public let headByteCountMax: Int
  /// Header fields. Beyond it a request is answered with 431. Default 100.
  public let headerCountMax: Int
  /// Bytes of the request target. Beyond it a request is answered with 414.
  /// Default 8,000, the least that RFC 9112 §3 recommends for a whole request line.
  public let targetByteCountMax: Int

  /// The limits, by default as each property names. Others than 1 byte to 16 MiB for a head, or less than 1 for the others, end
  /// the process with a text that says so.
  public init(
    headByteCountMax: Int = 16_384, headerCountMax: Int = 100, targetByteCountMax: Int = 8_000
  ) {
    guard 1...(16 << 20) ~= headByteCountMax else {
      misuse(
        "HandshakeLimits.headByteCountMax is \(headByteCountMax). It must be 1 byte to 16 MiB.")
    }
    guard headerCountMax > 0, targetByteCountMax > 0 else {
      misuse("HandshakeLimits.headerCountMax and targetByteCountMax must be at least 1.")
    }
    self.headByteCountMax = headByteCountMax
    self.headerCountMax = headerCountMax
    self.targetByteCountMax = targetByteCountMax
  }
}
