import Glibc

/// A block of Swift in one of the documents for users.
struct Snippet {
  let document: String
  /// Of the first line behind the fence.
  let line: Int
  let text: String

  var name: String { "\(document):\(line)" }
  var isManifest: Bool { text.hasPrefix("// swift-tools-version") }
  var isServer: Bool { text.contains("server.run()") }
  var isClient: Bool { text.contains("let client = try Client") && text.contains(".connect(") }

  /// Those of README.md and of everything in docs.
  static let all: [Snippet] = {
    let thisFile = "/Tests/WebSocketTests/Compiling/Snippet.swift"
    precondition(#filePath.hasSuffix(thisFile), "this file has moved: mend the path above")
    let root = String(#filePath.dropLast(thisFile.count))
    let documents = ["README.md"] + names(in: "\(root)/docs").map { "docs/\($0)" }
    return documents.filter { $0.hasSuffix(".md") }.flatMap { snippets(in: $0, root) }
  }()

  private static func snippets(in document: String, _ root: String) -> [Snippet] {
    var snippets: [Snippet] = []
    var block: (line: Int, text: String)?
    let lines = read("\(root)/\(document)").split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if let (start, text) = block {
        guard line.hasPrefix("```") else {
          block = (start, text + line + "\n")
          continue
        }
        snippets.append(Snippet(document: document, line: start, text: text))
        block = nil
      } else if line.hasPrefix("```swift") {
        block = (index + 2, "")
      }
    }
    return snippets
  }

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names.sorted()
  }

  private static func read(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var content: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&block, 1, block.count, file), count > 0 {
      content += block[..<count]
    }
    return String(decoding: content, as: UTF8.self)
  }
}
