import Glibc
import Testing
import WebSocket

@Suite("The description of why a connection failed")
struct FailureDescriptionTests {
  @Test("is one line of whole sentences, its own for each")
  func sentences() {
    let system = SystemError("read", code: ECONNRESET)
    let errors: [any Error] =
      ([
        .protocolError(.reservedOpcode), .system(system), .idleTimeout, .closeTimeout,
        .queueOverflow, .topicLag,
      ] as [ConnectionError])
      + ([
        .timeout, .invalidResponse(.invalidAccept), .closed, .cancelled, .stopped, .system(system),
      ]
        as [ConnectFailure])
    let texts = errors.map { "\($0)" }
    for text in texts {
      #expect(text.hasPrefix("The ") || text.hasPrefix("Nothing "), "\(text)")
      #expect(text.contains(" ") && !text.contains("\n"), "\(text)")
    }
    #expect(Set(texts).count == texts.count)
    #expect(texts.count { $0.contains("read: Connection reset by peer (errno 104)") } == 2)
  }

  @Test(
    "is of a refusal one line with the status, and what the server says to do", arguments: backends)
  func refusal(on kind: BackendKind) throws {
    let long = String(repeating: "x", count: 500)
    let answers = [
      ("404 Not Found", "", "The server refused the opening handshake: 404 Not Found"),
      ("401 Unauthorized", "", "401 Unauthorized"),
      ("401 Unauthorized", "WWW-Authenticate: Bearer\r\n", "asks for Bearer"),
      ("302 Found", "Location: /elsewhere\r\n", "not followed: /elsewhere"),
      ("503 \(long)", "", "503 xxx"),
    ]
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      for (status, fields, text) in answers {
        let dial = try running.dial(server.url)
        let peer = try server.accept()
        _ = try peer.readHead()
        try peer.send(Array("HTTP/1.1 \(status)\r\n\(fields)Content-Length: 0\r\n\r\n".utf8))
        let failure = #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
        let line = failure.map { "\($0)" } ?? ""
        #expect(line.contains(text) && !line.contains("\n") && line.count < 300, "\(line)")
        peer.close()
      }
    }
  }

  @Test("says of a name without an address that it could not be resolved")
  func unresolved() {
    let error = #expect(throws: SystemError.self) {
      try ServerConfiguration(port: 0, host: "no such name")
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.hasPrefix("resolve no such name: the name could not be resolved: "))
    #expect(!text.contains("errno"))
  }
}
