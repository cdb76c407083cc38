/// Dependencies point downwards only.
enum Layers {
  /// What each target may import. A target that is not named here may not exist.
  static let allowedImports: [String: Set<String>] = [
    "CURing": [],
    "Reactor": ["CURing", "Glibc", "Synchronization"],
    "ReactorSimulation": ["CURing", "Reactor", "Glibc", "Synchronization"],
    "WebSocketProtocol": [],
    "WebSocket": ["Reactor", "WebSocketProtocol", "Glibc", "Synchronization"],
  ]

  static func violations(in file: SourceFile) -> [Violation] {
    let imports = imports(in: SwiftCode(file.text))
    let foundation = imports.filter { $0.module.hasPrefix("Foundation") }.map {
      file.violation(line: $0.line, "Foundation is not used here: Glibc and Synchronization are")
    }
    guard file.components.count > 2, file.components[0] == "Sources" else { return foundation }

    let target = String(file.components[1])
    guard let allowed = allowedImports[target] else {
      return [file.violation("no layer is called \(target)")]
    }
    return imports.filter { !allowed.contains($0.module) }.map {
      file.violation(line: $0.line, "\(target) may not import \($0.module)")
    }
  }

  private static let modifiers: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let kinds: Set<Substring> = [
    "typealias", "struct", "class", "enum", "protocol", "let", "var", "func",
  ]

  private static func imports(in code: SwiftCode) -> [(line: Int, module: String)] {
    code.lines.enumerated().compactMap { index, line in
      let words = line.split(separator: " ")
      guard let keyword = words.firstIndex(of: "import"),
        words[..<keyword].allSatisfy({ modifiers.contains($0) || $0.hasPrefix("@") }),
        let name = words[(keyword + 1)...].first(where: { !kinds.contains($0) })
      else { return nil }
      return (index + 1, String(name.prefix { $0 != "." }))
    }
  }
}
