/// Text that shows when bytes are missing or in the wrong place.
enum PatternedText {
  /// Its length has no factor in common with any buffer's.
  private static let block = (0..<65_521).map { UInt8(33 + ($0 ^ $0 >> 8) % 90) }

  static func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count { bytes += block.prefix(count - bytes.count) }
    return bytes
  }

  static func string(_ byteCount: Int) -> String {
    String(decoding: bytes(byteCount), as: UTF8.self)
  }
}
