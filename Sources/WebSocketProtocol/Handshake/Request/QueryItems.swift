extension HTTPRequest {
  /// The value of the first query item called `name`, both decoded: `%41` and `+` as HTML forms
  /// and `URLSearchParams` write them. An item without `=` has an empty value. A percent sign that
  /// no two hexadecimal digits follow stands for itself; what is not UTF-8 becomes U+FFFD.
  public func queryItem(named name: String) -> String? {
    guard let query = line.query else { return nil }
    var start = query.lowerBound
    while start <= query.upperBound {
      let rest = start..<query.upperBound
      let end = fields.bytes.firstIndex(of: UInt8(ascii: "&"), in: rest) ?? query.upperBound
      let equals = fields.bytes.firstIndex(of: UInt8(ascii: "="), in: start..<end)
      if start < end, isName(name, in: start..<(equals ?? end)) {
        return decoded(min((equals ?? end) + 1, end)..<end)
      }
      start = end + 1
    }
    return nil
  }

  private func isName(_ name: String, in range: Range<Int>) -> Bool {
    var cursor = FormCursor(range)
    for character in name.utf8 where cursor.next(in: fields.bytes) != character { return false }
    return cursor.next(in: fields.bytes) == nil
  }

  private func decoded(_ range: Range<Int>) -> String {
    var cursor = FormCursor(range)
    var octets: [UInt8] = []
    octets.reserveCapacity(range.count)
    while let octet = cursor.next(in: fields.bytes) { octets.append(octet) }
    return String(decoding: octets, as: UTF8.self)
  }
}

/// Walks the octets that a form-encoded range stands for.
private struct FormCursor {
  private var rest: Range<Int>

  init(_ range: Range<Int>) { rest = range }

  mutating func next(in bytes: RawSpan) -> UInt8? {
    guard let index = rest.first else { return nil }
    let octet = bytes[octet: index]
    if octet == UInt8(ascii: "%"), rest.count >= 3,
      let high = bytes[octet: index + 1].hexadecimalValue,
      let low = bytes[octet: index + 2].hexadecimalValue
    {
      rest = index + 3..<rest.upperBound
      return high << 4 | low
    }
    rest = index + 1..<rest.upperBound
    return octet == UInt8(ascii: "+") ? .space : octet
  }
}
