/// Where files lie, and which of them can be run.
enum Places {
  /// So many files may lie in a target's own folder; beyond that, concepts have folders.
  static let maxLooseFileCount = 6

  private static let vagueNames: Set<String> = [
    "utils", "util", "utilities", "helpers", "helper", "common", "misc", "shared", "extensions",
  ]

  static func violations(in files: [SourceFile]) -> [Violation] {
    looseFileViolations(in: files) + files.flatMap(vagueNameViolations)
      + files.flatMap(executableViolations)
  }

  private static func looseFileViolations(in files: [SourceFile]) -> [Violation] {
    let loose = files.filter {
      $0.components.count == 3 && $0.components[0] == "Sources" && $0.fileExtension == "swift"
    }
    return Dictionary(grouping: loose) { $0.components[1] }.values
      .filter { $0.count > maxLooseFileCount }
      .map { $0[0].violation("one of \($0.count) files without a folder that names its concept") }
  }

  /// A name that says nothing collects everything.
  private static func vagueNameViolations(in file: SourceFile) -> [Violation] {
    file.components.compactMap { component in
      let name = component.prefix { $0 != "." }.lowercased()
      return vagueNames.contains(name) ? file.violation("\(component) names no concept") : nil
    }
  }

  private static func executableViolations(in file: SourceFile) -> [Violation] {
    let hasInterpreter = file.text.hasPrefix("#!")
    if hasInterpreter, !file.isExecutable {
      return [file.violation("names an interpreter, but is not executable")]
    }
    if file.isExecutable, !hasInterpreter {
      return [file.violation("is executable, but names no interpreter")]
    }
    return []
  }
}
