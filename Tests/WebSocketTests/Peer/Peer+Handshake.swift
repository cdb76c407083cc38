import Testing

/// An HTTP response as it came.
struct Reply {
  let status: Int
  let head: String
  let body: String

  /// The value of a header field, by its name in any case.
  func header(_ name: String) -> String? {
    for line in head.split(separator: "\r\n").dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { continue }
      return String(parts[1].drop { $0 == " " })
    }
    return nil
  }
}

extension Peer {
  /// The key of RFC 6455 §1.3, and what a server must answer to it.
  static let key = "dGhlIHNhbXBsZSBub25jZQ=="
  static let acceptKey = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

  /// A request that opens a WebSocket.
  static func upgradeRequest(target: String = "/", headers: [String] = []) -> [UInt8] {
    let lines =
      [
        "GET \(target) HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
      ] + headers
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  /// Opens a WebSocket. Returns the response to it.
  @discardableResult
  func upgrade(target: String = "/", headers: [String] = []) throws -> Reply {
    try send(Self.upgradeRequest(target: target, headers: headers))
    return try readUpgrade()
  }

  /// The response to an opening handshake that must be accepted.
  @discardableResult
  func readUpgrade() throws -> Reply {
    let head = try readHead()
    let reply = Reply(status: try Self.status(head), head: head, body: "")
    guard reply.status == 101, reply.header("Sec-WebSocket-Accept") == Self.acceptKey else {
      throw PeerError.malformed("no upgrade: \(head)")
    }
    return reply
  }

  /// A whole response, after which the connection must end.
  func readReply() throws -> Reply {
    let head = try readHead()
    let body = String(decoding: try readToEnd(), as: UTF8.self)
    return Reply(status: try Self.status(head), head: head, body: body)
  }

  /// Sends a request and reads the response, after which the connection must end.
  func request(_ lines: String...) throws -> Reply {
    try send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
    return try readReply()
  }

  /// Sends a text, and expects it back.
  func expectEcho(_ text: String = "still here", _ location: SourceLocation = #_sourceLocation)
    throws
  {
    try send(.text(text))
    #expect(try readFrame() == .text(text), sourceLocation: location)
  }

  /// Expects these frames next.
  func expect(_ frames: Frame..., at location: SourceLocation = #_sourceLocation) throws {
    for expected in frames {
      let frame = try readFrame()
      #expect(frame == expected, sourceLocation: location)
    }
  }

  /// Expects a close frame with this code, then FIN.
  func expectClose(_ code: UInt16?, _ location: SourceLocation = #_sourceLocation) throws {
    let frame = try readFrame()
    #expect(frame.opcode == 8 && frame.closeCode == code, "\(frame)", sourceLocation: location)
    #expect(try readsEnd(), sourceLocation: location)
  }

  /// Closes as a client should: its close frame, the server's, the server's FIN.
  func closeOrderly(_ code: UInt16 = 1000, _ location: SourceLocation = #_sourceLocation) throws {
    try send(.close(code))
    try expectClose(code, location)
    close()
  }

  private static func status(_ head: String) throws -> Int {
    let parts = head.split(separator: " ", maxSplits: 2)
    guard parts.count == 3, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else {
      throw PeerError.malformed(head)
    }
    return status
  }
}
