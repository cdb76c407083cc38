/// One header field as byte ranges of the head it is in. The value is without its white space.
struct FieldLine: Sendable, Equatable {
  var name: Range<Int>
  var value: Range<Int>
}

/// The header fields of one head, in their order. The storage is used again for the next head.
struct FieldLines: Sendable {
  private(set) var lines: [FieldLine] = []

  /// Takes up the field lines in `range`: each ends with CRLF, which `HeadSearch` has checked.
  mutating func parse(
    _ bytes: RawSpan, in range: Range<Int>, countMax: Int
  ) throws(HeadError) {
    lines.removeAll(keepingCapacity: true)
    var start = range.lowerBound
    while start < range.upperBound {
      guard let end = bytes.firstIndex(of: .carriageReturn, in: start..<range.upperBound) else {
        throw .bareLineFeed
      }
      if lines.count == countMax { throw .tooManyFields }
      lines.append(try Self.line(bytes, in: start..<end))
      start = end + 2
    }
  }

  private static func line(_ bytes: RawSpan, in range: Range<Int>) throws(HeadError) -> FieldLine {
    if bytes[octet: range.lowerBound].isBlank { throw .foldedLine }
    var colon = range.lowerBound
    while colon < range.upperBound, bytes[octet: colon].isTokenOctet { colon += 1 }
    guard colon < range.upperBound, colon > range.lowerBound else { throw .invalidFieldName }
    if bytes[octet: colon].isBlank { throw .whitespaceBeforeColon }
    guard bytes[octet: colon] == UInt8(ascii: ":") else { throw .invalidFieldName }
    let value = bytes.trimmingBlanks(in: colon + 1..<range.upperBound)
    return FieldLine(name: range.lowerBound..<colon, value: value)
  }
}
