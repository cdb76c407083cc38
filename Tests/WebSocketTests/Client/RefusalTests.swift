import Glibc
import Testing
import WebSocket

@Suite("A refusal's body")
struct RefusalTests {
  private static let text = "{\"error\":\"expired\"}"
  private static let field = "Content-Type: application/json\r\n"
  private static let head = "HTTP/1.1 401 Unauthorized\r\n\(field)"
  private static let sized = "\(head)Content-Length: \(text.utf8.count)\r\n\r\n"

  /// What becomes of a dial whose server does this when it has read the request.
  private func answered(
    _ running: RunningClient, connectTimeoutMilliseconds: Int = 8_000,
    _ answer: (Peer) throws -> Void
  ) throws -> (refusal: Refusal, seconds: Double) {
    let server = try ScriptedServer()
    let dial = try running.dial(server.url) {
      $0.connectTimeoutMilliseconds = connectTimeoutMilliseconds
    }
    let peer = try server.accept()
    _ = try peer.readRequest()
    var failure: ConnectFailure?
    var thrown: (any Error)?
    let time = seconds {
      do { try answer(peer) } catch { thrown = error }
      failure = #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
    }
    if let thrown { throw thrown }
    #expect(eventually { running.connectionCount == 0 })
    guard case .refused(let refusal) = failure else { throw PeerError.malformed("\(failure!)") }
    return (refusal, time)
  }

  private func receivedByteCount(of running: RunningClient) -> Int {
    running.client.statistics.reduce(0) { $0 + Int($1.receivedByteCount) }
  }

  @Test("is there for whoever dials, however it is framed and cut", arguments: backends)
  func framings(on kind: BackendKind) throws {
    let chunks =
      "\(Self.head)Transfer-Encoding: chunked\r\n\r\n4\r\n{\"er\r\nF;x\r\nror\":\"expired\"}\r\n0\r\n"
    try dialing(on: kind) { running in
      for pieces in [1, 50, 10_000] {
        for bytes in [Self.sized + Self.text + "more", chunks + "\r\n"] {
          // The server goes on holding the connection: the body says itself where it ends.
          let (refusal, time) = try answered(running) { peer in
            try? peer.send(Array(bytes.utf8), inPiecesOf: pieces)
          }
          #expect(refusal.status == .unauthorized && refusal.bodyText == Self.text)
          #expect(refusal.header(named: "content-type") == "application/json")
          #expect(time < 0.9, "\(time) s")
        }
      }
      let (refusal, time) = try answered(running) { peer in
        try peer.send(Self.head + "\r\n")
        usleep(50_000)
        try peer.send(Self.text)
        peer.finish()
      }
      #expect(refusal.bodyText == Self.text && time < 0.9)
    }
  }

  @Test(
    "that breaks off, or is not sent, is waited for a second and no longer", arguments: backends)
  func broken(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let (reset, resetTime) = try answered(running) { peer in
        let before = receivedByteCount(of: running)
        let bytes = Self.sized + "{\"er"
        try peer.send(bytes)
        // A reset takes away what has not been read.
        #expect(eventually { receivedByteCount(of: running) == before + bytes.utf8.count })
        peer.reset()
      }
      #expect(reset.bodyText == "{\"er" && resetTime < 0.9)
      let (silent, silence) = try answered(running) { try $0.send(Self.sized + "{\"err") }
      #expect(silent.bodyText == "{\"err" && silence >= 0.9 && silence < 3)
      let (hurried, hurry) = try answered(running, connectTimeoutMilliseconds: 300) {
        try $0.send(Self.sized)
      }
      #expect(hurried.status == .unauthorized && hurried.bodyStart.isEmpty && hurry < 0.9)
    }
  }

  @Test("without an end is kept up to 4 KiB", arguments: backends)
  func endless(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      for head in ["\r\n", "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n"] {
        let (refusal, time) = try answered(running) { peer in
          try peer.send("HTTP/1.1 404 Not Found\r\n\(head)")
          for _ in 0..<200 where (try? peer.send([UInt8](repeating: 0x61, count: 1000))) == nil {}
        }
        #expect(refusal.bodyStart == [UInt8](repeating: 0x61, count: Refusal.bodyByteCountMax))
        #expect(time < 3)
      }
    }
  }

  @Test("is not waited for where there is none", arguments: backends)
  func none(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      for head in [
        "204 No Content\r\n", "304 X\r\nContent-Length: 5\r\n", "503\r\nContent-Length: 0\r\n",
      ] {
        let (refusal, time) = try answered(running) { try $0.send("HTTP/1.1 \(head)\r\n") }
        #expect(refusal.bodyStart.isEmpty && time < 0.9)
      }
    }
  }

  @Test("that is waited for ends with the dial and with the client", arguments: backends)
  func ended(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let dial = try running.dial(server.url)
      let peer = try server.accept()
      _ = try peer.readRequest()
      try peer.send(Self.sized)
      usleep(100_000)
      // Nobody else waits for it.
      let (_, other) = try running.open(server)
      other.close()
      dial.cancel()
      #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      let stopped = try running.dial(server.url)
      let last = try server.accept()
      _ = try last.readRequest()
      try last.send(Self.sized)
      usleep(100_000)
      running.client.stop()
      #expect(throws: ConnectFailure.stopped) { try stopped.waitUntilOpen() }
    }
  }

  @Test("does not keep a policy from seeing the status", arguments: backends)
  func policies(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let seen = Locked<[String]>([])
      let dial = try running.dial(server.url) {
        var policy = ReconnectPolicy()
        policy.delayMilliseconds = 1
        policy.retries = { failure in
          guard case .refused(let refusal) = failure else { return false }
          seen.withLock { $0.append("\(refusal.status.code) \(refusal.bodyText)") }
          return refusal.bodyText == "later"
        }
        $0.reconnect = policy
      }
      for body in ["later", "never"] {
        let peer = try server.accept()
        _ = try peer.readRequest()
        try peer.send("HTTP/1.1 503\r\nContent-Length: 5\r\n\r\n\(body)")
        _ = try? peer.readToEnd()
      }
      #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
      #expect(seen.withLock { $0 } == ["503 later", "503 never"])
    }
  }

  @Test("is printed in one line that steers no terminal", arguments: backends)
  func description(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      for (head, body, expected) in [
        ("401 Unauthorized", Self.text + "\n", "401 Unauthorized: " + Self.text),
        ("403", " two\r\nlines\u{1B}[2J\u{202E}\n", "403: two\\r\\nlines\\u{1B}[2J\\u{202E}"),
        (
          "404 No", String(repeating: "a", count: 300),
          "404 No: " + String(repeating: "a", count: 200) + "…"
        ),
        ("404 No", "", "404 No"),
        ("404 No\r\nContent-Type: image/png", "png", "404 No, with a body that is no text"),
        ("404 No\r\nContent-Encoding: gzip", "gz", "404 No, with a body that is no text"),
        (
          "404 \(String(repeating: "x", count: 100))", "",
          "404 " + String(repeating: "x", count: 80) + "…"
        ),
      ] {
        let (refusal, _) = try answered(running) { peer in
          try peer.send("HTTP/1.1 \(head)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
        #expect(refusal.description == expected)
        #expect("\(ConnectFailure.refused(refusal))".contains(expected))
      }
    }
  }
}
