import Testing

/// Each rule against a file that breaks it, and one that only seems to.
@Suite("A rule")
struct RuleTests {
  @Test(
    "of the layers sees what a file imports",
    arguments: [
      ("Sources/WebSocketProtocol/A.swift", "import Glibc", 1),
      ("Sources/Reactor/A.swift", "@preconcurrency internal import WebSocket", 1),
      ("Sources/Reactor/A.swift", "package import struct WebSocketProtocol.FrameHeader", 1),
      ("Sources/Reactor/A.swift", "internal import ReactorSimulation", 1),
      ("Sources/WebSocket/A.swift", "internal import ReactorSimulation", 1),
      ("Sources/Nonesuch/A.swift", "", 1),
      ("Tests/ATests/A.swift", "import Foundation", 1),
      ("Tests/ATests/A.swift", "import FoundationEssentials", 1),
      ("Sources/Reactor/A.swift", "internal import CURing\nimport Glibc", 0),
      ("Sources/Reactor/A.swift", "// import Foundation\nlet text = \"import Foundation\"", 0),
      ("Sources/WebSocket/A.swift", "public import WebSocketProtocol", 0),
    ])
  func layers(path: String, text: String, violationCount: Int) {
    let file = SourceFile(path: path, text: text)
    #expect(Layers.violations(in: file).count == violationCount)
  }

  @Test("of file length allows 400 lines and not one more")
  func fileLengths() {
    let line = "let x = 1\n"
    let allowed = SourceFile(path: "A.swift", text: String(repeating: line, count: 400))
    let tooLong = SourceFile(path: "A.swift", text: String(repeating: line, count: 401))
    #expect(Lengths.fileViolations(in: allowed).isEmpty)
    #expect(Lengths.fileViolations(in: tooLong).count == 1)
  }

  @Test(
    "of function length measures whatever holds statements",
    arguments: [
      ("func a(\n  b: Int\n) {", 67, "}"),
      ("init() {", 69, "}"),
      ("var a: Int {", 69, "}"),
      ("let a = {", 69, "}"),
      ("static let a: B = {", 69, "}()"),
      ("class func a() {", 69, "}"),
      ("func a() where B: AnyObject { // {\n", 68, "}"),
    ])
  func functionLengths(head: String, bodyLineCount: Int, end: String) {
    func file(_ bodyLineCount: Int) -> SourceFile {
      let body = String(repeating: "call(\"}\") /* } */\n", count: bodyLineCount - 1)
      let text = "enum Outer {\n\(head)\n\(body)\(end)\n}"
      return SourceFile(path: "A.swift", text: text)
    }
    #expect(Lengths.functionViolations(in: file(bodyLineCount)).isEmpty)
    let violations = Lengths.functionViolations(in: file(bodyLineCount + 1))
    #expect(violations.map(\.line) == [2])
  }

  @Test(
    "of function length leaves types alone",
    arguments: [
      "struct A", "final class A: B", "extension A where B == C", "protocol A", "actor A",
    ])
  func typesHaveNoLength(head: String) {
    let text = "\(head) {\n" + String(repeating: "let x = 1\n", count: 200) + "}\n"
    #expect(Lengths.functionViolations(in: SourceFile(path: "A.swift", text: text)).isEmpty)
  }

  @Test("sees code, and neither comments nor literals")
  func swiftCode() {
    let text = ##"""
      a // b
      c /* d /* e */ f */ g
      "h \" \(i("j")) k" + l
      #"m " \ \(n) \#(o)"# + p
      """##
    let code = String(decoding: SwiftCode(text).bytes, as: UTF8.self)
    #expect(code.filter(\.isLetter) == "acgilop")
    #expect(code.utf8.count == text.utf8.count)
  }

  @Test("of words sees what was left for later, and only as a word of its own")
  func unfinished() {
    let mark = "TO" + "DO"
    let file = SourceFile(path: "A.c", text: "// \(mark): more\n// \(mark)S\nname(XX" + "XX)\n")
    #expect(Words.unfinishedViolations(in: file).map(\.line) == [1])
  }

  @Test("of paths sees those of one machine")
  func machinePaths() {
    let folder = "/ho" + "me/"
    let text = """
      open("\(folder)me")
      cd \(folder)
      \(folder)me
      relative\(folder)me
      https://example.org\(folder)
      $x/ho
      """
    let file = SourceFile(path: "A.sh", text: text)
    #expect(Words.machinePathViolations(in: file).map(\.line) == [1, 2, 3])
  }

  @Test("of comments sees what is public and not explained")
  func comments() {
    let text = """
      public import Reactor
      /// It is.
      public struct A {
        public let a: Int
        /// So is this.
        @inlinable @inline(__always)
        public static func b() {}
        @inlinable
        public convenience init() {}
        let c = "public var d: Int"
        // Not for users.
        open class func e() {}
        public final class F {}
        /// This is.
        public subscript(g: Int) -> Int { 0 }
        @safe public var h: Int
      }
      """
    let inSources = SourceFile(path: "Sources/Reactor/A.swift", text: text)
    #expect(Comments.violations(in: inSources).map(\.line) == [4, 9, 12, 13, 16])
    #expect(Comments.violations(in: SourceFile(path: "Tests/A.swift", text: text)).isEmpty)
  }

  @Test("of the compiler sees flags and conditions")
  func compilerFlags() {
    let text = "#if DEBUG\n#endif\nx(.unsafeFlags([]))\n// #if unsafeFlags\n"
    let inSources = SourceFile(path: "Sources/Reactor/A.swift", text: text)
    let elsewhere = SourceFile(path: "Tests/ATests/A.swift", text: text)
    #expect(Words.compilerViolations(in: inSources).map(\.line) == [1, 3])
    #expect(Words.compilerViolations(in: elsewhere).map(\.line) == [3])
  }

  @Test("of places sees loose files, vague names, and scripts that cannot be run")
  func places() {
    func loose(_ count: Int) -> [SourceFile] {
      (0..<count).map { SourceFile(path: "Sources/A/\($0).swift", text: "") }
    }
    #expect(Places.violations(in: loose(Places.maxLooseFileCount)).isEmpty)
    #expect(Places.violations(in: loose(Places.maxLooseFileCount + 1)).count == 1)

    let wrong = [
      SourceFile(path: "Sources/A/Utils/B.swift", text: ""),
      SourceFile(path: "Sources/A/B/Helpers.swift", text: ""),
      SourceFile(path: "scripts/a", text: "#!/bin/sh\n"),
      SourceFile(path: "scripts/a", text: "true\n", isExecutable: true),
    ]
    #expect(Places.violations(in: wrong).count == wrong.count)
  }

  @Test("of documents sees links that lead nowhere")
  func links() {
    let files = [
      SourceFile(path: "docs/A.md", text: "# Some (good) title, really\n```sh\n# no title\n```\n"),
      SourceFile(path: "B.md", text: ""),
    ]
    let text = """
      [a](B.md) [b](../B.md) [c](docs) [d](docs/A.md#some-good-title-really) [e](#here)
      [f](https://example.org) [g](C.md)
      [h](docs/A.md#no-title)
      ## Here
      [i](docs/B.md) [j](#there)
      ```
      [k](code)
      ```
      """
    let file = SourceFile(path: "README.md", text: text)
    let violations = Documents.linkViolations(in: file, among: files + [file])
    #expect(violations.map(\.line) == [2, 3, 5, 5])
    let all = Documents.linkViolations(in: file, among: [file]) { $0 == "B.md" }
    #expect(all.map(\.line) == [1, 1, 2, 3, 5, 5])
  }

  @Test("of documents sees commands that cannot be run")
  func commands() {
    let text = """
      scripts/prose
      ```sh
      scripts/there --port 80
      X=1 ./scripts/there
      scripts/gone
      git clone https://example.org/x
      ```
      ```swift
      let x = scripts/code
      ```
      """
    let file = SourceFile(path: "README.md", text: text)
    let violations = Documents.commandViolations(in: file) { $0 == "scripts/there" }
    #expect(violations.map(\.line) == [5])
  }
}
