import Testing

/// The rules of the house that no compiler checks, held against the repository as it is.
@Suite("The repository")
struct TreeTests {
  @Test("is found, and read")
  func isFound() {
    for path in ["Package.swift", "README.md", "scripts/run", "Sources/CURing/include/CURing.h"] {
      #expect(SourceTree.files.contains { $0.path == path }, "\(path)")
    }
  }

  @Test("has layers that depend downwards only, and no Foundation")
  func layers() {
    expectNone(SourceTree.swiftFiles.flatMap(Layers.violations))
  }

  @Test("explains all that is public")
  func comments() {
    expectNone(SourceTree.swiftFiles.flatMap(Comments.violations))
  }

  @Test("has files of at most 400 lines")
  func fileLengths() {
    expectNone(SourceTree.files.flatMap(Lengths.fileViolations))
  }

  @Test("has functions of at most 70 lines")
  func functionLengths() {
    expectNone(SourceTree.swiftFiles.flatMap(Lengths.functionViolations))
  }

  @Test("has nothing left for later")
  func unfinished() {
    expectNone(SourceTree.files.flatMap(Words.unfinishedViolations))
  }

  @Test("knows no machine by its paths")
  func machinePaths() {
    expectNone(SourceTree.files.flatMap(Words.machinePathViolations))
  }

  @Test("has no unsafe flags, and no conditional code in its sources")
  func compilerFlags() {
    expectNone(SourceTree.files.flatMap(Words.compilerViolations))
  }

  @Test("has every file in its place")
  func places() {
    expectNone(Places.violations(in: SourceTree.files))
  }

  @Test("has documents whose links lead somewhere")
  func links() {
    let files = SourceTree.files
    expectNone(
      SourceTree.markdownFiles.flatMap {
        Documents.linkViolations(in: $0, among: files) { path in
          path.hasSuffix(".png") && SourceTree.exists(path)
        }
      })
  }

  @Test("has documents whose commands can be run")
  func commands() {
    expectNone(
      SourceTree.markdownFiles.flatMap {
        Documents.commandViolations(in: $0, isExecutable: SourceTree.isExecutable)
      })
  }

  private func expectNone(
    _ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for violation in violations {
      Issue.record("\(violation.description)", sourceLocation: sourceLocation)
    }
  }
}
