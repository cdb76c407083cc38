/// The payload of a close frame: nothing, or a code and a reason in UTF-8 (RFC 6455 §5.5.1).
public enum ClosePayload {
  /// What a control frame's 125 bytes leave to the reason.
  public static let reasonByteCountMax = 123

  /// Reads a payload that is already unmasked. The range is the reason's place in `bytes`.
  public static func parse(
    _ bytes: RawSpan, in range: Range<Int>
  ) throws(ProtocolError) -> (code: CloseCode?, reason: Range<Int>) {
    guard !range.isEmpty else { return (nil, range) }
    guard range.count >= 2 else { throw .closePayloadTooShort }
    let number = bytes.integer(at: range.lowerBound, as: UInt16.self)
    let code = CloseCode(rawValue: UInt16(bigEndian: number))
    guard code.isValidOnWire else { throw .invalidCloseCode }
    let reason = range.lowerBound + 2..<range.upperBound
    var validator = UTF8Validator()
    guard validator.accept(bytes.extracting(reason)), validator.isComplete else {
      throw .invalidCloseReason
    }
    return (code, reason)
  }

  /// The bytes that `encode` will write: at most 125.
  public static func byteCount(code: CloseCode?, reason: String = "") -> Int {
    code == nil ? 0 : 2 + reasonByteCount(reason)
  }

  /// Writes a payload to `offset` and the bytes after it; returns how many.
  ///
  /// A reason of more than 123 bytes is cut after the last code point that fits: it is written for
  /// people, who are better served by its beginning than by a refusal to close. Without a code
  /// there is no place for a reason, and it is left out.
  /// - Precondition: the code is valid on the wire, and there is room.
  @discardableResult
  public static func encode(
    code: CloseCode?, reason: String = "", into bytes: inout MutableRawSpan, at offset: Int = 0
  ) -> Int {
    guard let code else { return 0 }
    guard code.isValidOnWire else {
      misuse("No close frame may carry the code \(code.rawValue). CloseCode.forWire replaces it.")
    }
    bytes.storeBytes(of: code.rawValue.bigEndian, toByteOffset: offset, as: UInt16.self)
    var end = offset + 2
    for byte in reason.utf8.prefix(reasonByteCount(reason)) {
      bytes.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
      end += 1
    }
    return end - offset
  }

  /// How much of the reason fits: whole code points, at most 123 bytes.
  private static func reasonByteCount(_ reason: String) -> Int {
    let utf8 = reason.utf8
    guard utf8.count > reasonByteCountMax else { return utf8.count }
    var end = utf8.index(utf8.startIndex, offsetBy: reasonByteCountMax)
    var byteCount = reasonByteCountMax
    while utf8[end] & 0xC0 == 0x80 {
      utf8.formIndex(before: &end)
      byteCount -= 1
    }
    return byteCount
  }
}
