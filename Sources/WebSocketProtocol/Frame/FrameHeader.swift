/// What stands before a frame's payload (RFC 6455 §5.2).
/// ```
///   0               1               2               3
///   0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
///  +-+-+-+-+-------+-+-------------+-------------------------------+
///  |F|R|R|R| opcode|M| length (7)  |   longer length: 16 or 64 bits |
///  |I|S|S|S|  (4)  |A|             |   when the 7 bits are 126, 127 |
///  |N|V|V|V|       |S|             |                               |
///  | |1|2|3|       |K|             |                               |
///  +-+-+-+-+-------+-+-------------+- - - - - - - - - - - - - - - -+
///  :                               |   masking key, if MASK is set  |
///  +- - - - - - - - - - - - - - - -+- - - - - - - - - - - - - - - -+
/// ```
/// The header represents every sequence of bits that the wire can carry, also those that the RFC
/// forbids: it serves to craft and to read raw frames. `Session` is where the rules are enforced.
public struct FrameHeader: Equatable, Sendable {
  /// FIN: the frame is the last one of its message.
  public var isFinal: Bool
  /// RSV1, RSV2 and RSV3 (RFC 6455 §5.2).
  public var reservedBits: ReservedBits
  /// What the payload is (RFC 6455 §5.2).
  public var opcode: Opcode
  /// The key with which the payload is masked, `nil` when MASK is 0.
  public var maskingKey: MaskingKey?
  /// The payload's length in bytes. The RFC forbids the most significant bit.
  public var payloadLength: UInt64
  /// The width of the field that carries the length. The RFC demands the smallest that will do.
  public var lengthField: LengthField

  /// The most bytes that a header can take.
  public static let byteCountMax = 14

  /// Without a length field, the minimal encoding is taken, the only one that a conforming peer
  /// accepts.
  /// - Precondition: a given `lengthField` is wide enough for `payloadLength`.
  public init(
    opcode: Opcode, payloadLength: UInt64, isFinal: Bool = true, reservedBits: ReservedBits = [],
    maskingKey: MaskingKey? = nil, lengthField: LengthField? = nil
  ) {
    let minimal = LengthField.minimal(for: payloadLength)
    let lengthField = lengthField ?? minimal
    self.init(
      isFinal: isFinal, reservedBits: reservedBits, opcode: opcode, maskingKey: maskingKey,
      payloadLength: payloadLength, lengthField: lengthField)
    guard lengthField.byteCount >= minimal.byteCount else { misuseLength() }
  }

  /// Ends the process: the length does not fit into its field.
  func misuseLength() -> Never {
    misuse("The lengthField of a FrameHeader is too small for its payloadLength, \(payloadLength).")
  }

  /// The header as the wire has it, with a length field that is known to be wide enough.
  init(
    isFinal: Bool, reservedBits: ReservedBits, opcode: Opcode, maskingKey: MaskingKey?,
    payloadLength: UInt64, lengthField: LengthField
  ) {
    self.isFinal = isFinal
    self.reservedBits = reservedBits
    self.opcode = opcode
    self.maskingKey = maskingKey
    self.payloadLength = payloadLength
    self.lengthField = lengthField
  }

  /// The bytes that the header takes on the wire: 2 to 14.
  public var encodedByteCount: Int {
    2 + lengthField.byteCount + (maskingKey == nil ? 0 : 4)
  }
}

extension FrameHeader {
  /// RSV1, RSV2 and RSV3: 0 unless an extension was negotiated that gives them a meaning.
  public struct ReservedBits: OptionSet, Sendable {
    /// The bits where they stand in a frame's first byte.
    public let rawValue: UInt8

    /// The bits where they stand in the first byte of a frame; others are ignored.
    public init(rawValue: UInt8) {
      self.rawValue = rawValue & 0x70
    }

    /// With permessage-deflate: the message is compressed (RFC 7692 §6).
    public static let rsv1 = ReservedBits(rawValue: 0x40)
    /// RSV2, for extensions (RFC 6455 §5.2).
    public static let rsv2 = ReservedBits(rawValue: 0x20)
    /// RSV3, for extensions (RFC 6455 §5.2).
    public static let rsv3 = ReservedBits(rawValue: 0x10)
  }

  /// Where a header carries the payload's length.
  public enum LengthField: Equatable, Sendable {
    /// In the seven bits after MASK: up to 125.
    case sevenBits
    /// In two bytes of its own: up to 65,535.
    case sixteenBits
    /// In eight bytes of its own.
    case sixtyFourBits

    /// The smallest field that can carry `payloadLength`.
    public static func minimal(for payloadLength: UInt64) -> LengthField {
      if payloadLength <= 125 { return .sevenBits }
      return payloadLength <= 0xFFFF ? .sixteenBits : .sixtyFourBits
    }

    /// The bytes that the field adds to a header.
    public var byteCount: Int {
      switch self {
      case .sevenBits: 0
      case .sixteenBits: 2
      case .sixtyFourBits: 8
      }
    }
  }
}
