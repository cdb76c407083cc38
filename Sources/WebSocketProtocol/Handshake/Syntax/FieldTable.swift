/// The header fields of one head together with its bytes: look-up by name.
struct FieldTable: ~Escapable {
  let bytes: RawSpan
  let lines: Span<FieldLine>

  @_lifetime(copy bytes, copy lines)
  init(bytes: RawSpan, lines: Span<FieldLine>) {
    self.bytes = bytes
    self.lines = lines
  }

  /// The index of the next field called `name`, the case of letters aside (RFC 9110 §5.1).
  func index(of name: String, from start: Int = 0) -> Int? {
    for index in start..<lines.count
    where bytes.equalsIgnoringCase(name, in: lines[index].name) {
      return index
    }
    return nil
  }

  /// The value of the first field called `name`.
  func value(of name: String) -> Range<Int>? {
    index(of: name).map { lines[$0].value }
  }

  /// How often a field called `name` comes, for fields that may come only once.
  func occurrence(of name: String) -> FieldOccurrence {
    guard let first = index(of: name) else { return .missing }
    return index(of: name, from: first + 1) == nil ? .once(lines[first].value) : .repeated
  }

  /// The elements of the comma-separated list that all the fields called `name` make up.
  func elements(of name: String) -> ListCursor {
    ListCursor(name: name)
  }

  /// Whether the list `name` holds `token`, the case of letters aside.
  func list(_ name: String, contains token: String) -> Bool {
    var elements = elements(of: name)
    while let element = elements.next(in: self) {
      if bytes.equalsIgnoringCase(token, in: element) { return true }
    }
    return false
  }

  /// Every field as text of its own.
  func copied() -> [HTTPHeader] {
    lines.indices.map { index in
      HTTPHeader(
        unchecked: bytes.text(in: lines[index].name), bytes.text(in: lines[index].value))
    }
  }
}

enum FieldOccurrence: Equatable {
  case missing
  /// With its value.
  case once(Range<Int>)
  case repeated
}

/// Walks the elements of a list (RFC 9110 §5.6.1), over all the field lines that share a name.
/// Elements come without white space; empty ones, which senders may leave, are passed over.
/// For lists whose elements hold no quoted commas.
struct ListCursor {
  private let name: String
  private var nextLine = 0
  private var rest = 0..<0

  init(name: String) { self.name = name }

  mutating func next(in fields: borrowing FieldTable) -> Range<Int>? {
    while true {
      if rest.isEmpty {
        guard let line = fields.index(of: name, from: nextLine) else { return nil }
        rest = fields.lines[line].value
        nextLine = line + 1
        continue
      }
      let comma = fields.bytes.firstIndex(of: UInt8(ascii: ","), in: rest)
      let end = comma ?? rest.upperBound
      let element = fields.bytes.trimmingBlanks(in: rest.lowerBound..<end)
      rest = min(end + 1, rest.upperBound)..<rest.upperBound
      if !element.isEmpty { return element }
    }
  }
}
