/// What may not be written anywhere. The words are put together here, so that they do not find
/// themselves.
enum Words {
  private static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
  private static let machineFolders = ["ho" + "me", "ro" + "ot", "wo" + "rk", "tm" + "p"]

  /// Marks of what was left for later: it belongs into an issue, or is done.
  static func unfinishedViolations(in file: SourceFile) -> [Violation] {
    file.lines.enumerated().flatMap { index, line in
      let words = line.split { !$0.isLetter && !$0.isNumber }
      return unfinished.filter { words.contains($0[...]) }.map {
        file.violation(line: index + 1, "\($0): finish it, or describe it in an issue")
      }
    }
  }

  /// Absolute paths, which exist on one machine only.
  static func machinePathViolations(in file: SourceFile) -> [Violation] {
    file.lines.enumerated().flatMap { index, line in
      machineFolders.filter { names(absoluteFolder: "/\($0)/", in: line) }.map {
        file.violation(line: index + 1, "the path /\($0)/... is of one machine")
      }
    }
  }

  /// No compiler flags that make a package unusable as a dependency, and no conditional code.
  static func compilerViolations(in file: SourceFile) -> [Violation] {
    guard file.fileExtension == "swift" else { return [] }
    let forbidden = file.path.hasPrefix("Sources/") ? ["#if", "unsafeFlags"] : ["unsafeFlags"]
    return SwiftCode(file.text).lines.enumerated().flatMap { index, line in
      forbidden.filter { line.contains($0) }.map {
        file.violation(line: index + 1, "\($0) is not used in this package")
      }
    }
  }

  /// The folder at the beginning of a path: neither within a relative one nor within an address.
  private static func names(absoluteFolder folder: String, in line: Substring) -> Bool {
    line.ranges(of: folder).contains { range in
      guard range.lowerBound != line.startIndex else { return true }
      let before = line[line.index(before: range.lowerBound)]
      return !before.isLetter && !before.isNumber && !"._-}/".contains(before)
    }
  }
}
