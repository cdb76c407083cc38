import Testing

@Suite("A block of Swift in a document", .serialized)
struct SnippetTests {
  @Test("compiles as it stands")
  func compiles() throws {
    #expect(Snippet.all.count { !$0.isManifest } >= 8)
    try Shell.withFolder { folder in
      var script = ""
      for (index, snippet) in Snippet.all.enumerated() {
        try Shell.write(snippet.text, to: "\(folder)/\(index).swift")
        let compiler = snippet.isManifest ? Shell.manifestCompiler : Shell.compiler
        script += """
          \(compiler) -typecheck \(index).swift > log 2>&1 || { echo "failed: \(index)"; cat log; }

          """
      }
      let result = try Shell.run(script, in: folder)
      for (index, snippet) in Snippet.all.enumerated() {
        let isFailed = result.lines.contains("failed: \(index)")
        #expect(!isFailed, "\(snippet.name)\n\(isFailed ? result.output : "")")
      }
    }
  }

  @Test("is a server or a client that does what the text says of it")
  func runs() throws {
    let servers = Snippet.all.filter(\.isServer)
    let clients = Snippet.all.filter(\.isClient)
    #expect(clients.count == 2)
    let conversations = servers.compactMap { server in
      Self.conversations.first { server.text.contains($0.partOfServer) }
    }
    try #require(conversations.count == servers.count && servers.count == Self.conversations.count)
    try Shell.withFolder { folder in
      let port = try ScriptedServer().port
      let serverNames = try Self.write(servers, as: "server", port: port, to: folder)
      let clientNames = try Self.write(clients, as: "client", port: port, to: folder)
      var script = Self.build(serverNames + clientNames)
      for (server, conversation) in zip(serverNames, conversations) {
        let talking = conversation.answer == .none ? [] : clientNames
        script += Self.converse(server, talking)
      }
      let result = try Shell.run(script, in: folder)
      let outputs = result.output.split(separator: "----\n")
      try #require(outputs.count == servers.count, "\(result.output)")
      for (number, output) in outputs.enumerated() {
        let isRight = conversations[number].answer.fits(output, clientCount: clients.count)
        #expect(isRight, "\(servers[number].name)\n\(output)")
      }
    }
  }

  private static func write(
    _ snippets: [Snippet], as name: String, port: UInt16, to folder: String
  ) throws -> [String] {
    try snippets.enumerated().map { number, snippet in
      let text = snippet.text.replacing("8080", with: "\(port)")
      try Shell.write(text, to: "\(folder)/\(name)\(number).swift")
      return "\(name)\(number)"
    }
  }

  /// Compiles and links, two at a time.
  private static func build(_ names: [String]) -> String {
    """
    build() { \(Shell.compiler) $1.swift \(Shell.objects) -luring -o $1; }
    for name in \(names.joined(separator: " ")); do
      build $name &
      [ $(jobs -r | wc -l) -lt 2 ] || wait -n
    done
    wait

    """
  }

  /// Starts a server, waits until it listens and SIGTERM (bit 14) is caught, has all clients talk to it, and ends it.
  private static func converse(_ server: String, _ clients: [String]) -> String {
    """
    timeout 30 ./\(server) > log 2>&1 & server=$!
    for attempt in $(seq 1000); do
      status=/proc/$(pgrep -P $server)/status
      caught=$(awk '/^Name/ { name = $2 } /^SigCgt/ && name == "\(server)" { print $2 }' $status 2> /dev/null)
      (( 0x${caught:-0} & 0x4000 )) && break
      sleep 0.01
    done
    for client in \(clients.joined(separator: " ")); do
      SWIFT_BACKTRACE=enable=no timeout 10 ./$client 2>&1
    done
    kill -TERM $server
    wait $server
    echo "ended with $?"
    echo ----

    """
  }

  /// What a client of the documents is answered by a server of theirs.
  private enum Answer: Equatable {
    /// Nothing: no client talks to it.
    case none
    /// What each client prints.
    case printed(String)
    /// What is among the things that each client prints.
    case failed(String)

    /// Whether the output is that of so many clients and of a server that has ended as it should.
    func fits(_ output: Substring, clientCount: Int) -> Bool {
      let end = "ended with 0\n"
      switch self {
      case .none: return output == end
      case .printed(let text): return output == String(repeating: text, count: clientCount) + end
      case .failed(let text):
        return output.hasSuffix(end) && output.ranges(of: text).count == clientCount
      }
    }
  }

  /// Servers are known by a part of their text.
  private static let conversations: [(partOfServer: String, answer: Answer)] = [
    ("print(\"listening at", .printed("hello\nclosed with 1000\n")),
    ("struct Chat", .printed("ada, message 1: hello\nclosed with 1000\n")),
    ("let news", .none),
    ("final class Board", .printed("hello\nclosed with 1000\n")),
    ("== \"secret\"", .failed("refused the opening handshake: 401 Unauthorized")),
  ]
}
