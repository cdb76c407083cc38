/// A file can be read in one go, a function be seen at once.
enum Lengths {
  static let maxFileLineCount = 400
  static let maxFunctionLineCount = 70

  static func fileViolations(in file: SourceFile) -> [Violation] {
    let isCode = ["swift", "c", "h", "py", "sh", ""].contains(file.fileExtension)
    let lineCount = file.lines.count - (file.text.hasSuffix("\n") ? 1 : 0)
    guard isCode, file.path != "LICENSE", lineCount > maxFileLineCount else { return [] }
    return [file.violation("\(lineCount) lines, not at most \(maxFileLineCount)")]
  }

  /// Measures every pair of braces that holds statements, from the line of its declaration to that
  /// of its last brace: functions, initialisers, accessors and closures; not types and extensions.
  static func functionViolations(in file: SourceFile) -> [Violation] {
    var scanner = BlockScanner(SwiftCode(file.text).bytes)
    return scanner.statementBlocks().filter { $0.count > maxFunctionLineCount }.map {
      file.violation(
        line: $0.lowerBound, "a function of \($0.count) lines, not at most \(maxFunctionLineCount)")
    }
  }
}

/// Finds the blocks of statements in code without comments and literals.
private struct BlockScanner {
  private struct Header {
    let isType: Bool
    let line: Int
  }

  private static let typeKeywords: Set<String> = [
    "struct", "class", "enum", "protocol", "extension", "actor",
  ]
  private static let statementKeywords: Set<String> = [
    "func", "init", "deinit", "subscript", "var", "get", "set", "if", "else", "for", "while",
    "repeat", "switch", "do", "catch", "guard",
  ]

  private let bytes: [UInt8]
  private var line = 1
  /// The last keyword since the last brace: what an opening brace belongs to.
  private var header: Header?

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The lines of each block, from that of its keyword to that of its closing brace.
  mutating func statementBlocks() -> [ClosedRange<Int>] {
    var open: [Header] = []
    var blocks: [ClosedRange<Int>] = []
    var position = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\n"):
        line += 1
      case UInt8(ascii: "{"):
        open.append(header ?? Header(isType: false, line: line))
        header = nil
      case UInt8(ascii: "}"):
        if let block = open.popLast(), !block.isType { blocks.append(block.line...line) }
        header = nil
      case let byte where isWordByte(byte):
        let start = position
        while position < bytes.count, isWordByte(bytes[position]) { position += 1 }
        readWord(start..<position)
        continue
      default:
        break
      }
      position += 1
    }
    return blocks
  }

  private mutating func readWord(_ range: Range<Int>) {
    let word = String(decoding: bytes[range], as: UTF8.self)
    if Self.statementKeywords.contains(word) {
      header = Header(isType: false, line: line)
    } else if Self.typeKeywords.contains(word), isFollowedByTypeName(range.upperBound) {
      header = Header(isType: true, line: line)
    }
  }

  /// Tells `class Ring {` from `class func make() {` and from an argument called `actor`.
  private func isFollowedByTypeName(_ end: Int) -> Bool {
    guard end + 1 < bytes.count, bytes[end] == UInt8(ascii: " ") else { return false }
    return (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[end + 1])
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default:
      false
    }
  }
}
