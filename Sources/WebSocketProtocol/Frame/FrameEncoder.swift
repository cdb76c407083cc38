/// Writes whole frames into memory of the caller, which reserves `byteCount(…)` bytes for each.
public enum FrameEncoder {
  /// The bytes that a frame takes on the wire, header and payload.
  public static func byteCount(payloadByteCount: Int, isMasked: Bool) -> Int {
    let lengthField = FrameHeader.LengthField.minimal(for: UInt64(payloadByteCount))
    return 2 + lengthField.byteCount + (isMasked ? 4 : 0) + payloadByteCount
  }

  /// Writes a frame to `offset` and the bytes after it; returns how many.
  ///
  /// The payload is copied, and masked on the way when there is a key. A client needs a fresh one
  /// that nobody can predict for every frame (§5.3, §10.3); a server must have none (§5.1).
  /// - Precondition: there is room for the frame.
  @discardableResult
  public static func encode(
    _ opcode: Opcode, payload: RawSpan, isFinal: Bool = true,
    reservedBits: FrameHeader.ReservedBits = [], maskingKey: MaskingKey? = nil,
    into bytes: inout MutableRawSpan, at offset: Int = 0
  ) -> Int {
    let header = FrameHeader(
      opcode: opcode, payloadLength: UInt64(payload.byteCount), isFinal: isFinal,
      reservedBits: reservedBits, maskingKey: maskingKey)
    let payloadOffset = offset + header.encode(into: &bytes, at: offset)
    if let maskingKey {
      maskingKey.copy(payload, into: &bytes, at: payloadOffset)
    } else {
      copy(payload, into: &bytes, at: payloadOffset)
    }
    return payloadOffset + payload.byteCount - offset
  }

  private static func copy(_ payload: RawSpan, into bytes: inout MutableRawSpan, at offset: Int) {
    precondition(payload.byteCount <= bytes.byteCount - offset, "no room for the payload")
    unsafe payload.withUnsafeBytes { source in
      unsafe bytes.withUnsafeMutableBytes { destination in
        guard let from = source.baseAddress, let base = destination.baseAddress else { return }
        unsafe (base + offset).copyMemory(from: from, byteCount: source.count)
      }
    }
  }
}
