import Testing
import WebSocket

/// A frame by the letter of RFC 6455 §5.2, or against it: written here without the engine's encoder.
struct Frame: Equatable {
  var opcode: UInt8
  var payload: [UInt8] = []
  var isFinal = true
  /// RSV1 to RSV3, where they stand in the first byte.
  var reservedBits: UInt8 = 0

  static func text(_ text: String, isFinal: Bool = true) -> Frame {
    Frame(opcode: 1, payload: Array(text.utf8), isFinal: isFinal)
  }

  static func binary(_ payload: [UInt8], isFinal: Bool = true) -> Frame {
    Frame(opcode: 2, payload: payload, isFinal: isFinal)
  }

  static func continuation(_ payload: [UInt8], isFinal: Bool) -> Frame {
    Frame(opcode: 0, payload: payload, isFinal: isFinal)
  }

  static func ping(_ text: String = "") -> Frame { Frame(opcode: 9, payload: Array(text.utf8)) }
  static func pong(_ text: String = "") -> Frame { Frame(opcode: 10, payload: Array(text.utf8)) }

  /// Without a code: an empty close frame.
  static func close(_ code: UInt16? = nil, _ reason: String = "") -> Frame {
    guard let code else { return Frame(opcode: 8) }
    return Frame(
      opcode: 8, payload: [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)] + Array(reason.utf8))
  }

  var text: String { String(decoding: payload, as: UTF8.self) }

  /// The code of a close frame.
  var closeCode: UInt16? {
    guard opcode == 8, payload.count >= 2 else { return nil }
    return UInt16(payload[0]) << 8 | UInt16(payload[1])
  }

  /// What follows the code of a close frame.
  var closeReason: String { String(decoding: payload.dropFirst(2), as: UTF8.self) }

  /// The frame as a client sends it; unmasked, or with another length than the payload's, if asked for.
  func bytes(
    maskingKey: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D], declaredLength: UInt64? = nil
  ) -> [UInt8] {
    let length = declaredLength ?? UInt64(payload.count)
    let maskBit: UInt8 = maskingKey == nil ? 0 : 0x80
    var bytes = [(isFinal ? 0x80 : 0) | reservedBits | opcode]
    bytes.reserveCapacity(payload.count + 14)
    if length < 126 {
      bytes.append(maskBit | UInt8(length))
    } else if length < 1 << 16 {
      bytes.append(maskBit | 126)
      bytes += [UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)]
    } else {
      bytes.append(maskBit | 127)
      for shift in stride(from: UInt64(56), through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: length >> shift))
      }
    }
    guard let maskingKey else { return bytes + payload }
    bytes += maskingKey
    let start = bytes.count
    bytes += payload
    Self.mask(&bytes, from: start, with: maskingKey)
    return bytes
  }

  /// Four bytes at a time: large messages are to be quick also in debug builds.
  private static func mask(_ bytes: inout [UInt8], from start: Int, with key: [UInt8]) {
    bytes.withUnsafeMutableBytes { memory in
      let payload = UnsafeMutableRawBufferPointer(rebasing: memory[start...])
      let word = key.withUnsafeBytes { $0.load(as: UInt32.self) }
      let wide = UInt64(word) << 32 | UInt64(word)
      let wholeCount = payload.count & ~7
      for offset in stride(from: 0, to: wholeCount, by: 8) {
        let masked = payload.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wide
        payload.storeBytes(of: masked, toByteOffset: offset, as: UInt64.self)
      }
      for offset in wholeCount..<payload.count { payload[offset] ^= key[offset & 3] }
    }
  }
}

extension Frame: CustomTestStringConvertible {
  var testDescription: String {
    "opcode \(opcode), \(payload.count) bytes \(payload.prefix(20))\(isFinal ? "" : ", not final")"
  }
}
