import Glibc

/// Runs command lines, and compiles Swift against the modules that this test was built from.
enum Shell {
  /// What a command line has printed, on either stream, and how it has ended.
  struct Result {
    let output: String
    let status: Int32
    var lines: [Substring] { output.split(separator: "\n") }
  }

  /// Runs a script, for two minutes at most.
  static func run(_ script: String, in folder: String) throws -> Result {
    let file = "\(folder)/script"
    try write("cd '\(folder)'\n\(script)", to: file)
    guard let stream = popen("timeout -k 5 120 bash '\(file)' 2>&1", "r") else {
      throw PeerError.failed("popen", code: errno)
    }
    var output: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&block, 1, block.count, stream), count > 0 {
      output += block[..<count]
    }
    let status = pclose(stream)
    return Result(output: String(decoding: output, as: UTF8.self), status: status)
  }

  static func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else { throw PeerError.failed("fopen", code: errno) }
    defer { fclose(file) }
    guard fwrite(text, 1, text.utf8.count, file) == text.utf8.count else {
      throw PeerError.failed("fwrite", code: errno)
    }
  }

  /// Lends an empty folder to `body`.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    // mkdtemp(3) replaces six letters at the end.
    var template = Array("\(products)/snippets-\(String(repeating: "X", count: 6))".utf8CString)
    guard mkdtemp(&template) != nil else { throw PeerError.failed("mkdtemp", code: errno) }
    let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    defer { _ = system("rm -rf '\(folder)'") }
    return try body(folder)
  }

  /// Where the program of these tests lies, and beside it what it was built from.
  static let products: String = {
    let path = realpath("/proc/self/exe", nil)
    defer { free(path) }
    return String(cString: path!).split(separator: "/").dropLast().map { "/\($0)" }.joined()
  }()

  /// The Swift compiler, with the modules of the engine.
  static let compiler =
    "swiftc -swift-version 6 -module-cache-path '\(products)/ModuleCache' -I '\(products)/Modules' "
    + "-Xcc -fmodule-map-file='\(products)/CURing.build/module.modulemap'"

  /// The Swift compiler for a package's manifest.
  static let manifestCompiler =
    "swiftc -swift-version 6 -package-description-version 6.2 "
    + "-I \"$(dirname \"$(readlink -f \"$(command -v swiftc)\")\")/../lib/swift/pm/ManifestAPI\""

  /// What a program that uses the engine is linked with: not what is left of sources that have gone.
  static let objects =
    "'\(products)/CURing.build'/*.o "
    + ["Reactor", "WebSocketProtocol", "WebSocket"].map { module in
      let map = "'\(products)/\(module).build/output-file-map.json'"
      return #"$(sed -n 's/.*"object" *: *"\([^"]*\.o\)".*/\1/p' \#(map))"#
    }.joined(separator: " ")
}
