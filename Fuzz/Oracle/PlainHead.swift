/// The head of a request or a response, taken apart by the letter of RFC 9112 §2 to §5.
struct PlainHead {
  struct Field: Equatable {
    let name: [UInt8]
    let value: [UInt8]
  }

  /// The request or status line.
  let firstLine: [UInt8]
  let fields: [Field]

  /// `bytes` are the head and nothing else. Keeps the promise that they are one. Lines may be folded
  /// only with `unfolding` (RFC 9112 §5.2).
  init(_ bytes: [UInt8], unfolding: Bool = false) {
    var lines = Self.lines(of: bytes)
    promise("an empty line ends a head", lines.popLast(), equals: [])
    promise("a head has a first line", !lines.isEmpty && lines[0] != [])
    promise("only one line is empty", !lines.contains([]))
    firstLine = lines.removeFirst()
    if unfolding { lines = Self.unfolded(lines) }
    fields = lines.map(Self.field)
  }

  /// The values of the fields called `name`, in their order.
  func values(of name: String) -> [[UInt8]] {
    fields.filter { Self.lowercased($0.name) == Array(name.utf8) }.map(\.value)
  }

  /// The elements of the lists that are the values of these fields, but for empty ones.
  func elements(of name: String) -> [[UInt8]] {
    values(of: name).flatMap { $0.split(separator: UInt8(ascii: ",")) }.map(Self.trimmed)
      .filter { !$0.isEmpty }
  }

  /// Whether such an element is `token`, the case of letters aside.
  func list(_ name: String, contains token: String) -> Bool {
    elements(of: name).contains { Self.lowercased($0) == Array(token.utf8) }
  }

  /// RFC 9110 §5.6.2.
  static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
    let characters = Set(
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    return !bytes.isEmpty && bytes.allSatisfy(characters.contains)
  }

  /// Without the spaces and tabs at both ends.
  static func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> [UInt8] {
    let isBlank: (UInt8) -> Bool = { $0 == 32 || $0 == 9 }
    return bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
  }

  static func lowercased(_ bytes: [UInt8]) -> [UInt8] {
    bytes.map { (65...90).contains($0) ? $0 + 32 : $0 }
  }

  /// The bytes as the view of a head gives them out.
  static func text(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  /// The lines without their CRLF, which must be the only control characters besides tabs.
  private static func lines(of bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = [[]]
    for (index, byte) in bytes.enumerated() {
      switch byte {
      case 13: promise("LF follows CR", index + 1 < bytes.count && bytes[index + 1] == 10)
      case 10:
        promise("CR precedes LF", index > 0 && bytes[index - 1] == 13)
        lines.append([])
      default:
        promise("no control character", byte == 9 || (byte >= 32 && byte != 127))
        lines[lines.count - 1].append(byte)
      }
    }
    promise("CRLF ends every line", lines.popLast(), equals: [])
    return lines
  }

  /// A line that begins with a space or a tab goes on with the value of the one before.
  private static func unfolded(_ lines: [[UInt8]]) -> [[UInt8]] {
    lines.reduce(into: []) { whole, line in
      guard let before = whole.last, line[0] == 32 || line[0] == 9 else {
        return whole.append(line)
      }
      let start = before.reversed().drop { $0 == 32 || $0 == 9 }.reversed()
      whole[whole.count - 1] = start + [32] + line.drop { $0 == 32 || $0 == 9 }
    }
  }

  private static func field(_ line: [UInt8]) -> Field {
    let colon = line.firstIndex(of: UInt8(ascii: ":"))
    promise("a field has a colon", colon != nil)
    let name = Array(line.prefix(colon ?? 0))
    promise("a name is a token", isToken(name))
    return Field(name: name, value: trimmed(line.dropFirst(name.count + 1)))
  }
}
