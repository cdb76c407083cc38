/// SHA-1 (RFC 3174), here because the opening handshake asks for it (RFC 6455 §1.3).
/// It proves only that a server has read the key. It protects nothing.
public enum SHA1 {
  /// Bytes of a digest.
  public static let digestByteCount = 20

  private static let blockByteCount = 64

  /// The digest of `message`, of any length.
  public static func digest(of message: Span<UInt8>) -> InlineArray<20, UInt8> {
    var state: InlineArray<5, UInt32> = [
      0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0,
    ]
    // A one bit, zeros, and the bit count in 8 bytes follow the message, up to a whole block.
    let paddedByteCount = (message.count + 8) / blockByteCount * blockByteCount + blockByteCount
    var block = InlineArray<16, UInt32>(repeating: 0)
    for blockStart in stride(from: 0, to: paddedByteCount, by: blockByteCount) {
      for word in 0..<16 {
        var value: UInt32 = 0
        for offset in blockStart + word * 4..<blockStart + word * 4 + 4 {
          value = value << 8 | UInt32(paddedByte(at: offset, of: message, paddedByteCount))
        }
        block[word] = value
      }
      mix(&block, into: &state)
    }
    return InlineArray { index in
      UInt8(truncatingIfNeeded: state[index / 4] >> (24 - UInt32(index % 4) * 8))
    }
  }

  private static func paddedByte(
    at offset: Int, of message: Span<UInt8>, _ paddedByteCount: Int
  ) -> UInt8 {
    if offset < message.count { return message[offset] }
    if offset == message.count { return 0x80 }
    let fromEnd = paddedByteCount - 1 - offset
    guard fromEnd < 8 else { return 0 }
    return UInt8(truncatingIfNeeded: (UInt64(message.count) * 8) >> (UInt64(fromEnd) * 8))
  }

  /// §6.2: the 80 words of the schedule are kept in a ring of 16.
  private static func mix(
    _ words: inout InlineArray<16, UInt32>, into state: inout InlineArray<5, UInt32>
  ) {
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for round in 0..<80 {
      let slot = round & 15
      if round >= 16 {
        let mixed =
          words[(round + 13) & 15] ^ words[(round + 8) & 15] ^ words[(round + 2) & 15]
          ^ words[slot]
        words[slot] = rotated(mixed, by: 1)
      }
      let (choice, constant): (UInt32, UInt32) =
        switch round {
        case 0..<20: ((b & c) | (~b & d), 0x5A82_7999)
        case 20..<40: (b ^ c ^ d, 0x6ED9_EBA1)
        case 40..<60: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
        default: (b ^ c ^ d, 0xCA62_C1D6)
        }
      let next = rotated(a, by: 5) &+ choice &+ e &+ words[slot] &+ constant
      (a, b, c, d, e) = (next, a, rotated(b, by: 30), c, d)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
  }

  private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 {
    word << count | word >> (32 - count)
  }
}
