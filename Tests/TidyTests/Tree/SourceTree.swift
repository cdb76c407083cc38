import Glibc

/// The repository as it lies on the disk around this file, without what is built or downloaded.
enum SourceTree {
  /// Where the repository is.
  static let root: String = {
    let thisFile = "/Tests/TidyTests/Tree/SourceTree.swift"
    precondition(#filePath.hasSuffix(thisFile), "this file has moved: mend the path above")
    return String(#filePath.dropLast(thisFile.count))
  }()

  static let files: [SourceFile] = readFiles(below: "")

  static var swiftFiles: [SourceFile] { files.filter { $0.fileExtension == "swift" } }

  static var markdownFiles: [SourceFile] { files.filter { $0.fileExtension == "md" } }

  /// Whether there is a file or folder of that path.
  static func exists(_ path: String) -> Bool { access("\(root)/\(path)", F_OK) == 0 }

  static func isExecutable(_ path: String) -> Bool { access("\(root)/\(path)", X_OK) == 0 }

  private static let skippedNames: Set<String> = [".", "..", ".git", "__pycache__", "reports"]
  private static let visibleDotFolders: Set<String> = [".ci"]

  private static func readFiles(below folder: String) -> [SourceFile] {
    guard let directory = opendir("\(root)/\(folder)") else { return [] }
    defer { closedir(directory) }
    var files: [SourceFile] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard !skippedNames.contains(name) else { continue }
      let path = folder + name
      switch Int32(entry.pointee.d_type) {
      case Int32(DT_DIR):
        guard !name.hasPrefix(".") || visibleDotFolders.contains(name) else { continue }
        files += readFiles(below: path + "/")
      case Int32(DT_REG):
        guard let text = readText(path) else { continue }
        files.append(SourceFile(path: path, text: text, isExecutable: isExecutable(path)))
      default:
        continue
      }
    }
    return files
  }

  /// nil for what is no text: pictures, a fuzzer's inputs.
  private static func readText(_ path: String) -> String? {
    guard let file = fopen("\(root)/\(path)", "r") else { return nil }
    defer { fclose(file) }
    var content: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&block, 1, block.count, file), count > 0 {
      content += block[..<count]
    }
    guard !content.contains(0) else { return nil }
    return String(validating: content, as: UTF8.self)
  }
}
