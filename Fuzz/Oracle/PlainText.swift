/// UTF-8 as the standard library knows it.
enum PlainText {
  static func isText(_ bytes: some Collection<UInt8>) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
  }

  /// Whether text can begin with `bytes`: whether some ending makes text of them.
  ///
  /// After the first byte of a character, either 80 or A0 is a second byte that it allows, and 80
  /// is always allowed as one of those after it.
  static func isBeginning(_ bytes: [UInt8]) -> Bool {
    let endings: [[UInt8]] = [
      [], [0x80], [0xA0], [0x80, 0x80], [0xA0, 0x80], [0x80, 0x80, 0x80], [0xA0, 0x80, 0x80],
    ]
    return endings.contains { isText(bytes + $0) }
  }

  /// How many of the bytes text can begin with, at most.
  static func beginningByteCount(of bytes: [UInt8]) -> Int {
    // Text can begin with whatever a longer beginning begins with: halve the doubt.
    var (possible, impossible) = (0, bytes.count + 1)
    while possible + 1 < impossible {
      let middle = (possible + impossible) / 2
      if isBeginning(Array(bytes.prefix(middle))) { possible = middle } else { impossible = middle }
    }
    return possible
  }
}
