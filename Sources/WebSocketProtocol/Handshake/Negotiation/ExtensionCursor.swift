/// Walks the names and parameters of all `Sec-WebSocket-Extensions` fields of a head
/// (RFC 6455 §9.1):
///
///     extension-list  = 1#extension
///     extension       = extension-token *( ";" extension-param )
///     extension-param = token [ "=" ( token | quoted-string ) ]
///
/// Two things that a recipient has to ignore elsewhere in HTTP are passed over here, too, since
/// clients send them: empty elements of a list (RFC 9110 §5.6.1), and nothing between two
/// semicolons or behind the last one (RFC 9110 §5.6.6). What else breaks the grammar is malformed.
struct ExtensionCursor {
  enum Item: Equatable {
    case name(Range<Int>)
    /// Belongs to the name before. The value is without its quotation marks.
    case parameter(Range<Int>, value: Range<Int>?)
  }

  struct Malformed: Error {}

  private var nextLine = 0
  private var position = 0
  private var end = 0
  private var isInsideElement = false

  mutating func next(in fields: borrowing FieldTable) throws(Malformed) -> Item? {
    let bytes = fields.bytes
    while true {
      skipBlanks(bytes)
      if position == end {
        isInsideElement = false
        guard let line = fields.index(of: "sec-websocket-extensions", from: nextLine) else {
          return nil
        }
        nextLine = line + 1
        position = fields.lines[line].value.lowerBound
        end = fields.lines[line].value.upperBound
      } else if bytes[octet: position] == UInt8(ascii: ",") {
        position += 1
        isInsideElement = false
      } else if isInsideElement {
        guard bytes[octet: position] == UInt8(ascii: ";") else { throw Malformed() }
        position += 1
        skipBlanks(bytes)
        if !isAtSeparator(bytes) { return try parameter(bytes) }
      } else {
        isInsideElement = true
        return .name(try token(bytes))
      }
    }
  }

  private func isAtSeparator(_ bytes: RawSpan) -> Bool {
    position == end || bytes[octet: position] == UInt8(ascii: ",")
      || bytes[octet: position] == UInt8(ascii: ";")
  }

  private mutating func parameter(_ bytes: RawSpan) throws(Malformed) -> Item {
    let name = try token(bytes)
    skipBlanks(bytes)
    guard position < end, bytes[octet: position] == UInt8(ascii: "=") else {
      return .parameter(name, value: nil)
    }
    position += 1
    skipBlanks(bytes)
    if position < end, bytes[octet: position] == UInt8(ascii: "\"") {
      return .parameter(name, value: try quotedToken(bytes))
    }
    return .parameter(name, value: try token(bytes))
  }

  private mutating func token(_ bytes: RawSpan) throws(Malformed) -> Range<Int> {
    let start = position
    while position < end, bytes[octet: position].isTokenOctet { position += 1 }
    if position == start { throw Malformed() }
    return start..<position
  }

  /// What a quoted string stands for must be a token.
  private mutating func quotedToken(_ bytes: RawSpan) throws(Malformed) -> Range<Int> {
    position += 1
    let start = position
    while position < end, bytes[octet: position] != UInt8(ascii: "\"") {
      if bytes[octet: position] == UInt8(ascii: "\\") { position += 1 }
      guard position < end, bytes[octet: position].isTokenOctet else { throw Malformed() }
      position += 1
    }
    guard position < end, position > start else { throw Malformed() }
    position += 1
    return start..<position - 1
  }

  private mutating func skipBlanks(_ bytes: RawSpan) {
    while position < end, bytes[octet: position].isBlank { position += 1 }
  }
}
