/// Swift source in which comments and literals are blanked out, byte for byte, so that what is left
/// is code and stands where it stood. Code interpolated into a literal stays.
///
/// Regex literals between bare slashes are not known here: a quotation mark in one would be taken
/// for the beginning of a string.
struct SwiftCode {
  private(set) var bytes: [UInt8]
  private var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
    skipCode(inInterpolation: false)
  }

  var lines: [Substring] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Up to the end, or up to the parenthesis that closes an interpolation.
  private mutating func skipCode(inInterpolation: Bool) {
    var depth = 0
    while position < bytes.count {
      if starts(with: "//") {
        blankLine()
      } else if starts(with: "/*") {
        blankComment()
      } else if let poundCount = poundCountOfLiteral() {
        blankLiteral(poundCount: poundCount)
      } else {
        if bytes[position] == UInt8(ascii: "(") { depth += 1 }
        if bytes[position] == UInt8(ascii: ")") { depth -= 1 }
        if inInterpolation, depth < 0 { return }
        position += 1
      }
    }
  }

  private mutating func blankLine() {
    while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank(1) }
  }

  /// Comments between `/*` and `*/` nest in Swift.
  private mutating func blankComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        blank(2)
      } else if starts(with: "*/") {
        depth -= 1
        blank(2)
      } else {
        blank(1)
      }
    } while depth > 0 && position < bytes.count
  }

  /// The number of `#` before the quotation mark if a string literal begins here.
  private func poundCountOfLiteral() -> Int? {
    var end = position
    while end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
    return end < bytes.count && bytes[end] == UInt8(ascii: "\"") ? end - position : nil
  }

  private mutating func blankLiteral(poundCount: Int) {
    let pounds = String(repeating: "#", count: poundCount)
    blank(poundCount)
    let isMultiline = starts(with: "\"\"\"")
    let quotes = isMultiline ? "\"\"\"" : "\""
    blank(quotes.utf8.count)
    while position < bytes.count {
      if starts(with: quotes + pounds) {
        return blank(quotes.utf8.count + poundCount)
      } else if starts(with: "\\" + pounds + "(") {
        blank(poundCount + 2)
        skipCode(inInterpolation: true)
        blank(1)
      } else if starts(with: "\\" + pounds) {
        blank(poundCount + 2)
      } else {
        // No string, but a lone mark: what follows the line is code again.
        if !isMultiline, bytes[position] == UInt8(ascii: "\n") { return }
        blank(1)
      }
    }
  }

  private func starts(with text: String) -> Bool {
    bytes[position...].starts(with: text.utf8)
  }

  /// Line ends stay, so that lines keep their numbers.
  private mutating func blank(_ count: Int) {
    let end = min(position + count, bytes.count)
    while position < end {
      if bytes[position] != UInt8(ascii: "\n") { bytes[position] = UInt8(ascii: " ") }
      position += 1
    }
  }
}
