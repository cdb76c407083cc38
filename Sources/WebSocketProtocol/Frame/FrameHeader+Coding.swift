extension FrameHeader {
  /// Reads the header that begins at `offset`. Returns `nil` when it is not complete yet.
  ///
  /// Refuses nothing: see `Session` for the rules of the RFC.
  /// - Precondition: `offset` does not lie behind the end of `bytes`.
  @inline(__always)
  public static func parse(_ bytes: RawSpan, at offset: Int = 0) -> FrameHeader? {
    precondition(offset >= 0 && offset <= bytes.byteCount)
    let available = bytes.byteCount - offset
    guard available >= 2 else { return nil }
    let first = bytes.byte(at: offset)
    let second = bytes.byte(at: offset + 1)
    let isMasked = second & 0x80 != 0
    let lengthField = LengthField(code: second & 0x7F)
    let keyOffset = 2 + lengthField.byteCount
    guard available >= keyOffset + (isMasked ? 4 : 0) else { return nil }

    let payloadLength: UInt64 =
      switch lengthField {
      case .sevenBits: UInt64(second & 0x7F)
      case .sixteenBits: UInt64(UInt16(bigEndian: bytes.integer(at: offset + 2, as: UInt16.self)))
      case .sixtyFourBits: UInt64(bigEndian: bytes.integer(at: offset + 2, as: UInt64.self))
      }
    let maskingKey =
      isMasked
      ? MaskingKey(UInt32(bigEndian: bytes.integer(at: offset + keyOffset, as: UInt32.self))) : nil
    return FrameHeader(
      isFinal: first & 0x80 != 0, reservedBits: ReservedBits(rawValue: first),
      opcode: Opcode(lowBitsOf: first), maskingKey: maskingKey, payloadLength: payloadLength,
      lengthField: lengthField)
  }

  /// Writes the header to `offset` and the bytes after it; returns how many: `encodedByteCount`.
  /// - Precondition: there is room for them, and the length fits into its field.
  @discardableResult
  public func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) -> Int {
    let first = (isFinal ? 0x80 : 0) | reservedBits.rawValue | opcode.rawValue
    let isMasked: UInt8 = maskingKey == nil ? 0 : 0x80
    bytes.storeBytes(of: first, toByteOffset: offset, as: UInt8.self)
    let second = offset + 1
    switch lengthField {
    case .sevenBits:
      guard payloadLength <= 125 else { misuseLength() }
      let length = UInt8(payloadLength)
      bytes.storeBytes(of: isMasked | length, toByteOffset: second, as: UInt8.self)
    case .sixteenBits:
      guard payloadLength <= UInt16.max else { misuseLength() }
      let length = UInt16(payloadLength).bigEndian
      bytes.storeBytes(of: isMasked | 126, toByteOffset: second, as: UInt8.self)
      bytes.storeBytes(of: length, toByteOffset: offset + 2, as: UInt16.self)
    case .sixtyFourBits:
      let length = payloadLength.bigEndian
      bytes.storeBytes(of: isMasked | 127, toByteOffset: second, as: UInt8.self)
      bytes.storeBytes(of: length, toByteOffset: offset + 2, as: UInt64.self)
    }
    if let maskingKey {
      let key = maskingKey.inMemory
      let keyOffset = offset + 2 + lengthField.byteCount
      bytes.storeBytes(of: key, toByteOffset: keyOffset, as: UInt32.self)
    }
    return encodedByteCount
  }
}

extension FrameHeader.LengthField {
  /// The field that the seven bits after MASK announce.
  fileprivate init(code: UInt8) {
    self =
      switch code {
      case 127: .sixtyFourBits
      case 126: .sixteenBits
      default: .sevenBits
      }
  }
}
