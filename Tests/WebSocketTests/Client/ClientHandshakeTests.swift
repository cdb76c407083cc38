import Glibc
import Testing
import WebSocket

/// An answer to an opening handshake, and what a client must think of it.
struct AnswerCase: Sendable {
  let name: String
  /// The whole answer, to a request.
  let bytes: @Sendable (ReceivedRequest) -> String
  let isExpected: @Sendable (ConnectFailure) -> Bool

  init(
    _ name: String, invalid error: ResponseError,
    _ bytes: @escaping @Sendable (ReceivedRequest) -> String
  ) {
    self.name = name
    self.bytes = bytes
    isExpected = { $0 == .invalidResponse(error) }
  }

  init(refused status: Int, _ text: String) {
    name = "\(status)"
    bytes = { _ in text }
    isExpected = {
      if case .refused(let refusal) = $0 { refusal.status.code == status } else { false }
    }
  }

  static let all: [AnswerCase] = [
    AnswerCase("wrong accept", invalid: .invalidAccept) {
      $0.response().replacing($0.accept, with: Peer.acceptKey)
    },
    AnswerCase("no accept", invalid: .invalidAccept) {
      $0.response().replacing("Sec-WebSocket-Accept: \($0.accept)\r\n", with: "")
    },
    AnswerCase("two accepts", invalid: .invalidAccept) {
      $0.response(["Sec-WebSocket-Accept: \($0.accept)"])
    },
    AnswerCase("no upgrade", invalid: .invalidUpgrade) {
      $0.response().replacing("Upgrade: websocket\r\n", with: "")
    },
    AnswerCase("no connection", invalid: .invalidConnection) {
      $0.response().replacing("Connection: Upgrade\r\n", with: "")
    },
    AnswerCase("a subprotocol that was not offered", invalid: .unexpectedSubprotocol) {
      $0.response(["Sec-WebSocket-Protocol: other"])
    },
    AnswerCase("an extension that was not offered", invalid: .unexpectedExtension) {
      $0.response(["Sec-WebSocket-Extensions: permessage-deflate"])
    },
    AnswerCase("HTTP/1.0", invalid: .unsupportedHTTPVersion) {
      $0.response().replacing("HTTP/1.1", with: "HTTP/1.0")
    },
    AnswerCase("HTTP/2", invalid: .unsupportedHTTPVersion) {
      $0.response().replacing("HTTP/1.1", with: "HTTP/2.0")
    },
    AnswerCase("a status of two digits", invalid: .malformedStatusLine) { _ in
      "HTTP/1.1 10 Switching\r\n\r\n"
    },
    AnswerCase("an empty head", invalid: .malformedStatusLine) { _ in "\r\n\r\n" },
    AnswerCase("another protocol", invalid: .malformedHead(.bareLineFeed)) { _ in
      "220 mail.example ESMTP\n"
    },
    AnswerCase("control characters", invalid: .malformedHead(.controlCharacter)) { _ in
      "\u{0}\u{1}\u{2}"
    },
    AnswerCase("a head that is too large", invalid: .malformedHead(.tooLong)) {
      $0.response(["X: " + String(repeating: "x", count: 17_000)])
    },
    AnswerCase("a head without an end", invalid: .malformedHead(.tooLong)) { _ in
      "HTTP/1.1 101 " + String(repeating: "y", count: 20_000)
    },
    AnswerCase(refused: 200, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    AnswerCase(
      refused: 301,
      "HTTP/1.1 301 Moved Permanently\r\nLocation: ws://example\r\nContent-Length: 0\r\n\r\n"),
    AnswerCase(
      refused: 401, "HTTP/1.0 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"),
    AnswerCase(
      refused: 426, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n"),
    AnswerCase(refused: 503, "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"),
  ]
}

@Suite("A client's opening handshake")
struct ClientHandshakeTests {
  @Test("says what was asked for, with a new key each time", arguments: backends)
  func request(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      var keys: Set<String> = []
      for round in 0..<20 {
        let dial = try running.dial("ws://127.0.0.1:\(server.port)/chat/\(round)?a=b%20c") {
          $0.subprotocols = ["chat", "superchat"]
          $0.origin = "http://example.com"
          try? $0.headers.add("Authorization", "Basic abc=")
        }
        let peer = try server.accept()
        let request = try peer.readRequest()
        #expect(request.line == "GET /chat/\(round)?a=b%20c HTTP/1.1")
        let key = try #require(request.values("Sec-WebSocket-Key").first)
        #expect(key.utf8.count == 24)
        keys.insert(key)
        #expect(
          Set(request.fields) == [
            "Host: 127.0.0.1:\(server.port)", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(key)", "Origin: http://example.com",
            "Sec-WebSocket-Protocol: chat, superchat", "Authorization: Basic abc=",
          ])
        #expect(request.fields.count == 8)
        // Nothing may follow the request before the answer (RFC 6455 §4.1).
        #expect(peer.bufferedByteCount == 0)
        try peer.send(request.response(["Sec-WebSocket-Protocol: superchat"]))
        let connection = try dial.waitUntilOpen()
        // Whoever waits finds it complete, and the handler has heard of it.
        #expect(connection.subprotocol == "superchat")
        #expect(running.journal.connections.last == connection)
        #expect(connection.remoteAddress == .loopback(port: server.port))
        peer.close()
      }
      #expect(keys.count == 20)
    }
  }

  @Test("that is answered wrongly fails, and says why, once", arguments: backends)
  func wrongAnswers(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      for (position, answer) in AnswerCase.all.enumerated() {
        let dial = try running.dial(server.url)
        let peer = try server.accept()
        let request = try peer.readRequest()
        try peer.send(answer.bytes(request))
        let failure = #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
        #expect(failure.map(answer.isExpected) == true, "\(answer.name): \(failure!)")
        #expect(eventually { running.failures.count == position + 1 })
        #expect(running.failures.last?.retryMilliseconds == nil)
        // The connection is ended, by FIN or RST.
        _ = try? peer.readToEnd()
        peer.close()
      }
      #expect(running.journal.entries.isEmpty)
      #expect(eventually { running.connectionCount == 0 })
    }
  }

  @Test(
    "is answered in single bytes, behind interim responses, with frames behind it",
    arguments: backends)
  func arrival(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let interim = "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
      let frames =
        Frame.text("first").bytes(maskingKey: nil) + Frame.ping("p").bytes(maskingKey: nil)
      for byteCount in [1, 7, 10_000] {
        let dial = try running.dial(server.url)
        let peer = try server.accept()
        let request = try peer.readRequest()
        let answer = Array((interim + interim + request.response()).utf8) + frames
        try peer.send(answer, inPiecesOf: byteCount)
        let connection = try dial.waitUntilOpen()
        #expect(try peer.readClientFrame() == .pong("p"))
        #expect(running.journal.events(of: connection) == [.opened, .text("first"), .ping("p")])
        peer.close()
      }
    }
  }

  @Test("may be preceded by very many interim responses at once", arguments: backends)
  func interimFlood(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let dial = try running.dial(server.url) { $0.socket.receiveBufferByteCount = 4 << 20 }
      let peer = try server.accept()
      let request = try peer.readRequest()
      let release = running.hold()
      // While the reactor is held all of it gathers in the kernel, and comes in one read with epoll.
      let flood = String(repeating: "HTTP/1.1 100 \r\n\r\n", count: 60_000)
      let bytes = Array((flood + request.response()).utf8)
      var sent = 0
      while sent < bytes.count, case let count = try peer.trySend(Array(bytes[sent...])), count > 0
      {
        sent += count
        usleep(2000)
      }
      release()
      try peer.send(Array(bytes[sent...]))
      _ = try dial.waitUntilOpen()
      peer.close()
    }
  }

  @Test("has its time and a second, however many interim responses come", arguments: backends)
  func endlessInterimResponses(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.connectTimeoutMilliseconds = 300 }) { running in
      let server = try ScriptedServer()
      let dial = try running.dial(server.url)
      let peer = try server.accept()
      _ = try peer.readRequest()
      let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      let hints = [UInt8](String(repeating: hint, count: 1000).utf8)
      let duration = seconds {
        let start = ContinuousClock.now
        // Until the client has ended it.
        while (try? peer.send(hints)) != nil, ContinuousClock.now - start < .seconds(4) {}
        #expect(throws: ConnectFailure.timeout) { try dial.waitUntilOpen() }
      }
      #expect(duration > 0.2 && duration < 3, "\(duration) s")
    }
  }

  @Test("fails when the server ends it before the head is whole", arguments: backends)
  func endBeforeHead(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      for part in ["", "HTTP/1.1 101 Switch", "HTTP/1.1 100 Continue\r\n\r\n"] {
        for isReset in [false, true] {
          let dial = try running.dial(server.url)
          let peer = try server.accept()
          _ = try peer.readRequest()
          try peer.send(part)
          if isReset {
            usleep(20_000)
            peer.reset()
          } else {
            peer.finish()
          }
          let failure = #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
          if isReset, case .system(let error) = failure {
            #expect(error.code == ECONNRESET)
          } else {
            #expect(!isReset && failure == .closed)
          }
        }
      }
      #expect(running.failures.count == 6)
      #expect(running.failures.allSatisfy { $0.retryMilliseconds == nil })
    }
  }

  @Test("is given up when the server is silent, or sends a body for ever", arguments: backends)
  func silence(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.reactor.lingerMilliseconds = 60_000 }) { running in
      let server = try ScriptedServer()
      let silent = try running.dial(server.url) { $0.connectTimeoutMilliseconds = 200 }
      let first = try server.accept()
      let time = seconds {
        #expect(throws: ConnectFailure.timeout) { try silent.waitUntilOpen() }
      }
      #expect(time >= 0.15 && time < 3)
      let endless = try running.dial(server.url)
      let second = try server.accept()
      _ = try second.readRequest()
      try second.send("HTTP/1.1 404 Not Found\r\n\r\nno, and I will tell you at length")
      let refusal = seconds {
        let failure = #expect(throws: ConnectFailure.self) { try endless.waitUntilOpen() }
        if case .refused = failure {} else { Issue.record("\(failure!)") }
      }
      // The server has a second to say why, and no more.
      #expect(refusal >= 0.9 && refusal < 3)
      #expect(eventually { running.connectionCount == 0 })
      first.close()
      second.close()
    }
  }

  @Test("with a timeout of any number does not trap", arguments: backends)
  func anyTimeout(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      for milliseconds in [Int.max, Int.max / 1_000_000, 1 << 40] {
        let dial = try running.dial(server.url) { $0.connectTimeoutMilliseconds = milliseconds }
        let peer = try server.open()
        _ = try dial.waitUntilOpen()
        peer.close()
      }
      for milliseconds in [0, -1, Int.min] {
        let full = try FullServer()
        let dial = try running.dial(full.url) { $0.connectTimeoutMilliseconds = milliseconds }
        #expect(throws: ConnectFailure.timeout) { try dial.waitUntilOpen() }
      }
    }
  }
}
