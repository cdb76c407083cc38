import WebSocketProtocol

/// A frame written by the letter of RFC 6455 §5.2, or against it: nothing here uses the encoder
/// under test.
struct WireFrame {
  var firstByte: UInt8
  var payload: [UInt8]
  /// `nil`: as the role of the receiver demands.
  var isMasked: Bool?
  var key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
  /// The length that the header claims, if not the payload's.
  var declaredLength: UInt64?
  /// The bytes that the header spends on it besides the seven bits, if not as few as possible.
  var lengthByteCount: Int?

  init(_ firstByte: UInt8, _ payload: [UInt8] = []) {
    self.firstByte = firstByte
    self.payload = payload
  }

  func with(_ change: (inout WireFrame) -> Void) -> WireFrame {
    var frame = self
    change(&frame)
    return frame
  }

  func bytes(to role: Role) -> [UInt8] {
    let isMasked = isMasked ?? (role == .server)
    let length = declaredLength ?? UInt64(payload.count)
    let lengthByteCount = lengthByteCount ?? (length < 126 ? 0 : length < 65536 ? 2 : 8)
    let sevenBits =
      switch lengthByteCount {
      case 0: UInt8(length)
      case 2: 126 as UInt8
      default: 127 as UInt8
      }
    var bytes = [firstByte, (isMasked ? 0x80 : 0) | sevenBits]
    for index in 0..<lengthByteCount {
      bytes.append(UInt8(truncatingIfNeeded: length >> UInt64(8 * (lengthByteCount - 1 - index))))
    }
    if isMasked { bytes += key }
    return bytes + payload.enumerated().map { isMasked ? $1 ^ key[$0 % 4] : $1 }
  }
}

extension WireFrame {
  static func text(_ text: String, isFinal: Bool = true) -> WireFrame {
    WireFrame(isFinal ? 0x81 : 0x01, Array(text.utf8))
  }
  static func text(bytes: [UInt8], isFinal: Bool = true) -> WireFrame {
    WireFrame(isFinal ? 0x81 : 0x01, bytes)
  }
  static func binary(_ bytes: [UInt8], isFinal: Bool = true) -> WireFrame {
    WireFrame(isFinal ? 0x82 : 0x02, bytes)
  }
  static func continuation(_ bytes: [UInt8], isFinal: Bool = true) -> WireFrame {
    WireFrame(isFinal ? 0x80 : 0x00, bytes)
  }
  static func continuation(_ text: String, isFinal: Bool = true) -> WireFrame {
    continuation(Array(text.utf8), isFinal: isFinal)
  }
  static func ping(_ text: String = "") -> WireFrame { WireFrame(0x89, Array(text.utf8)) }
  static func pong(_ text: String = "") -> WireFrame { WireFrame(0x8A, Array(text.utf8)) }
  static func close(_ bytes: [UInt8] = []) -> WireFrame { WireFrame(0x88, bytes) }
  static func close(_ code: UInt16, _ reason: String = "") -> WireFrame {
    close([UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
  }
}
