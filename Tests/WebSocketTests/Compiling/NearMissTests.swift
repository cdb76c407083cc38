import Testing

/// A function of a handler as it must be, and what is nearly that.
private struct Requirement {
  let name: String
  let right: String
  /// The same with another label, and with another type.
  let nearMisses: [(kind: String, text: String)]

  init(
    _ name: String, _ right: String, label: (String, String), type: (String, String)
  ) {
    self.name = name
    self.right = right
    let head = right.prefix { $0 != "{" }
    let body = right.dropFirst(head.count)
    let (parameters, result) = Self.split(head)
    nearMisses = [
      ("async", "\(parameters) async \(result)\(body)"),
      ("throws", "\(parameters) throws \(result)\(body)"),
      ("label", Self.replace(label.0, by: label.1, in: right)),
      ("type", Self.replace(type.0, by: type.1, in: right)),
    ]
  }

  private static func split(_ head: Substring) -> (Substring, Substring) {
    let end = head.lastIndex(of: ")") ?? head.startIndex
    return (head[...end], head[head.index(after: end)...])
  }

  private static func replace(_ part: String, by other: String, in text: String) -> String {
    let ranges = text.ranges(of: part)
    precondition(ranges.count == 1, "\(part) is to be there once")
    return text.replacing(part, with: other)
  }
}

@Suite("A function of a handler that is nearly right")
struct NearMissTests {
  private static let lifecycle = [
    Requirement(
      "opened", "func opened(_ connection: Connection, state: inout Int) {}",
      label: ("_ connection", "on connection"), type: ("inout Int", "Int")),
    Requirement(
      "handle",
      "func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Int) {}",
      label: ("on connection", "_ connection"), type: ("ConnectionEvent", "ConnectionError")),
    Requirement(
      "closed",
      "func closed(_ connection: Connection, _ closure: Closure, state: inout Int) {}",
      label: ("_ closure", "with closure"), type: ("Closure", "CloseCode")),
  ]

  private static let doors = [
    Requirement(
      "upgrade",
      "func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<Int> "
        + "{ .refuse(.upgradeRequired) }",
      label: ("on connection", "for connection"), type: ("Upgrade<Int>", "Upgrade<Int>?")),
    Requirement(
      "respond",
      "func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse "
        + "{ .upgradeRequired }",
      label: ("to request", "_ request"), type: ("HTTPResponse", "HTTPResponse?")),
  ]

  private static let messages = Requirement(
    "received",
    "func received(_ message: borrowing IncomingMessage, on connection: Connection, state: inout Int) {}",
    label: ("on connection", "from connection"), type: ("IncomingMessage", "String"))

  private static let frames = Requirement(
    "received",
    "func received(_ frame: borrowing IncomingFrame, on connection: Connection, state: inout Int) {}",
    label: ("on connection", "from connection"), type: ("IncomingFrame", "IncomingMessage"))

  @Test("does not compile: not when it suspends, throws, or has another label or type")
  func nearMisses() throws {
    var source = "import WebSocket\n"
    var expected: Set<String> = []
    let handlers = [
      ("Server", "WebSocketServerHandler", Self.lifecycle + Self.doors + [Self.messages]),
      ("Client", "WebSocketHandler", Self.lifecycle + [Self.messages]),
      ("Frames", "FrameHandler & UpgradeHandler", Self.lifecycle + Self.doors + [Self.frames]),
    ]
    for (prefix, conformance, requirements) in handlers {
      source += Self.type("\(prefix)Right", conformance, requirements.map(\.right))
      for (position, requirement) in requirements.enumerated() {
        let others = requirements.enumerated().filter { $0.offset != position }.map(\.element.right)
        for (kind, text) in requirement.nearMisses + [("missing", "")] {
          let name = "\(prefix)_\(requirement.name)_\(kind)"
          source += Self.type(name, conformance, others + [text])
          expected.insert(name)
        }
      }
    }
    let refused = try Self.typesWithErrors(in: source)
    #expect(refused.symmetricDifference(expected).isEmpty)
    #expect(expected.count == 5 * (6 + 4 + 6))
  }

  private static func type(_ name: String, _ conformance: String, _ functions: [String]) -> String {
    "struct \(name): \(conformance) {\n  typealias State = Int\n"
      + functions.map { "  \($0)\n" }.joined() + "}\n"
  }

  /// The types in whose lines the compiler finds errors.
  private static func typesWithErrors(in source: String) throws -> Set<String> {
    let result = try Shell.withFolder { folder in
      try Shell.write(source, to: "\(folder)/handlers.swift")
      return try Shell.run(
        "\(Shell.compiler) -typecheck -diagnostic-style=llvm handlers.swift", in: folder)
    }
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    return Set(
      result.lines.filter { $0.contains(" error: ") }.map { line in
        let fields = line.split(separator: ":")
        let number = fields.count > 1 ? Int(fields[1]) ?? 0 : 0
        let head = lines.prefix(number).last { $0.hasPrefix("struct ") }
        return head.map { String($0.dropFirst(7).prefix { $0 != ":" }) } ?? String(line)
      })
  }
}
