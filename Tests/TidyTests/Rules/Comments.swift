/// What a user of a module sees says what it is.
enum Comments {
  private static let modifiers: Set<Substring> = [
    "public", "open", "static", "final", "class", "convenience", "mutating", "nonmutating",
    "borrowing", "consuming", "override", "indirect", "unsafe", "nonisolated",
  ]
  private static let kinds: Set<Substring> = [
    "typealias", "struct", "class", "enum", "protocol", "let", "var", "func", "init", "subscript",
  ]

  /// Public declarations in Sources without a comment (`///`) above them and their attributes.
  static func violations(in file: SourceFile) -> [Violation] {
    guard file.components.first == "Sources" else { return [] }
    let code = SwiftCode(file.text).lines
    let text = file.text.split(separator: "\n", omittingEmptySubsequences: false)
    return code.indices.filter { isPublic(code[$0]) && !isExplained(text, above: $0) }.map {
      file.violation(line: $0 + 1, "a public declaration without a comment")
    }
  }

  private static func isPublic(_ line: Substring) -> Bool {
    let words = line.split { $0 == " " || $0 == "(" || $0 == "<" || $0 == "?" }
      .drop { $0.hasPrefix("@") || $0.hasSuffix(")") && !$0.hasPrefix("init") }
    guard let first = words.first, first == "public" || first == "open",
      let kind = words.first(where: { !modifiers.contains($0) })
    else { return false }
    // `class` is a kind of declaration as well as a modifier.
    return kinds.contains(kind) || words.contains("class") && kind != "import"
  }

  private static func isExplained(_ text: [Substring], above line: Int) -> Bool {
    var position = line - 1
    while position >= 0, text[position].drop(while: { $0 == " " }).hasPrefix("@") { position -= 1 }
    return position >= 0 && text[position].drop { $0 == " " }.hasPrefix("///")
  }
}
