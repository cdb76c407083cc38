/// A text file of the repository, or one made up to show that a rule can be broken.
struct SourceFile: Sendable {
  /// From the top of the repository, with `/` between folders.
  let path: String
  let text: String
  var isExecutable = false

  /// The parts of the path, the file's name last.
  var components: [Substring] { path.split(separator: "/") }

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// Empty for a file whose name has none.
  var fileExtension: Substring {
    let name = components.last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return name[name.index(after: dot)...]
  }

  func violation(line: Int? = nil, _ message: String) -> Violation {
    Violation(path: path, line: line, message: message)
  }
}

/// A rule broken in a place.
struct Violation: CustomStringConvertible {
  let path: String
  /// Counted from 1; nil if it is about the whole file.
  let line: Int?
  let message: String

  var description: String {
    line.map { "\(path):\($0): \(message)" } ?? "\(path): \(message)"
  }
}
