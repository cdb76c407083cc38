/// The four bits that say what a frame is (RFC 6455 §5.2, §11.8).
///
/// Reserved values can be represented, so that raw frames of any kind can be read and written.
public struct Opcode: RawRepresentable, Hashable, Sendable {
  /// 0 to 15.
  public let rawValue: UInt8

  /// - Precondition: `rawValue` fits in four bits.
  public init(rawValue: UInt8) {
    guard rawValue <= 0xF else { misuse("An Opcode is \(rawValue). It must have four bits.") }
    self.rawValue = rawValue
  }

  /// The opcode in the low four bits of a frame's first byte.
  init(lowBitsOf byte: UInt8) {
    rawValue = byte & 0xF
  }

  /// A further fragment of a message (RFC 6455 §5.4).
  public static let continuation = Opcode(rawValue: 0x0)
  /// A text message, or its first fragment (RFC 6455 §5.6).
  public static let text = Opcode(rawValue: 0x1)
  /// A binary message, or its first fragment (RFC 6455 §5.6).
  public static let binary = Opcode(rawValue: 0x2)
  /// A close frame (RFC 6455 §5.5.1).
  public static let close = Opcode(rawValue: 0x8)
  /// A ping (RFC 6455 §5.5.2).
  public static let ping = Opcode(rawValue: 0x9)
  /// A pong (RFC 6455 §5.5.3).
  public static let pong = Opcode(rawValue: 0xA)

  /// Whether the most significant bit is set: close, ping, pong, and the reserved 0xB to 0xF
  /// (§5.5).
  public var isControl: Bool { rawValue & 0x8 != 0 }

  /// Whether RFC 6455 gives the opcode no meaning: 0x3 to 0x7 and 0xB to 0xF.
  public var isReserved: Bool { rawValue & 0x7 > 0x2 }
}
