extension RawSpan {
  /// The field lines in `range` with each fold replaced by one space: a value may go on in a line
  /// that begins with white space, which a user agent has to understand (RFC 9112 §5.2). Nil if no
  /// line is folded, which is nearly always so.
  ///
  /// Each line ends with CRLF, which `HeadSearch` has checked. White space at the start of the first
  /// line stays: there is no value that it could belong to (RFC 9112 §2.2).
  func unfoldedLines(in range: Range<Int>) -> [UInt8]? {
    guard var index = range.first(where: { isFold(at: $0, in: range) }) else { return nil }
    var lines: [UInt8] = []
    lines.reserveCapacity(range.count)
    for copied in range.lowerBound..<index { lines.append(self[octet: copied]) }
    while index < range.upperBound {
      guard isFold(at: index, in: range) else {
        lines.append(self[octet: index])
        index += 1
        continue
      }
      while let last = lines.last, last.isBlank { lines.removeLast() }
      lines.append(.space)
      index += 2
      while index < range.upperBound, self[octet: index].isBlank { index += 1 }
    }
    return lines
  }

  /// Whether a line ends at `index`, and the next one continues it.
  private func isFold(at index: Int, in range: Range<Int>) -> Bool {
    self[octet: index] == .carriageReturn && index + 2 < range.upperBound
      && self[octet: index + 2].isBlank
  }
}
