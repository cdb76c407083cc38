/// What Markdown files promise must be there.
enum Documents {
  /// Links to files and headings of the repository. `isPicture` tells of files that are no text.
  static func linkViolations(
    in file: SourceFile, among files: [SourceFile], isPicture: (String) -> Bool = { _ in false }
  ) -> [Violation] {
    prose(of: file).flatMap { number, line in
      links(in: line).compactMap { link in
        isBroken(link, in: file, among: files, isPicture)
          ? file.violation(line: number, "\(link) leads nowhere") : nil
      }
    }
  }

  /// The programs of the repository that shell examples run.
  static func commandViolations(
    in file: SourceFile, isExecutable: (String) -> Bool
  ) -> [Violation] {
    shellLines(of: file).compactMap { number, line in
      let words = line.split(separator: " ").drop { $0 == "$" || $0 == "sudo" || $0.contains("=") }
      guard var program = words.first, program.contains("/"), !program.hasPrefix("/"),
        !program.hasPrefix(".build/")
      else { return nil }
      if program.hasPrefix("./") { program = program.dropFirst(2) }
      return isExecutable(String(program))
        ? nil : file.violation(line: number, "\(program) cannot be run")
    }
  }

  private typealias NumberedLine = (number: Int, line: Substring)

  private static func prose(of file: SourceFile) -> [NumberedLine] {
    fenced(file).filter { $0.language == nil }.map { ($0.number, $0.line) }
  }

  private static func shellLines(of file: SourceFile) -> [NumberedLine] {
    fenced(file).filter { ["sh", "bash", "console"].contains($0.language) }
      .map { ($0.number, $0.line) }
  }

  /// Each line with the language of the code block it is in, nil outside; the fences left out.
  private static func fenced(
    _ file: SourceFile
  ) -> [(number: Int, line: Substring, language: String?)] {
    var language: String?
    return file.lines.enumerated().compactMap { index, line in
      guard line.hasPrefix("```") else { return (index + 1, line, language) }
      language = language == nil ? String(line.dropFirst(3)) : nil
      return nil
    }
  }

  private static func links(in line: Substring) -> [Substring] {
    line.ranges(of: "](").map { range in
      line[range.upperBound...].prefix { $0 != ")" && $0 != " " }
    }
  }

  private static func isBroken(
    _ link: Substring, in file: SourceFile, among files: [SourceFile],
    _ isPicture: (String) -> Bool
  ) -> Bool {
    guard !link.contains("://"), !link.hasPrefix("mailto:") else { return false }
    let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].isEmpty ? file.path : resolve(parts[0], from: file)
    guard parts.count == 2 else {
      return !isPicture(path)
        && !files.contains { $0.path == path || $0.path.hasPrefix(path + "/") }
    }
    guard let target = files.first(where: { $0.path == path }) else { return true }
    return !headings(of: target).contains(String(parts[1]))
  }

  private static func resolve(_ link: Substring, from file: SourceFile) -> String {
    var components = Array(file.components.dropLast())
    for component in link.split(separator: "/") where component != "." {
      if component == ".." { _ = components.popLast() } else { components.append(component) }
    }
    return components.joined(separator: "/")
  }

  /// Headings as links name them: lower case, hyphens for spaces, no punctuation.
  private static func headings(of file: SourceFile) -> [String] {
    prose(of: file).filter { $0.line.hasPrefix("#") }.map { _, line in
      let title = line.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
      return String(
        title.compactMap { character in
          if character == " " { return "-" }
          let isKept = character.isLetter || character.isNumber || "-_".contains(character)
          return isKept ? character : nil
        })
    }
  }
}
