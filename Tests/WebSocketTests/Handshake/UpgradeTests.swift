import Synchronization
import Testing
import WebSocket

@Suite("An opening handshake")
struct UpgradeTests {
  @Test(
    "shows the upgrade hook the request, and keeps of it what the hook wants", arguments: backends)
  func seesRequest(on kind: BackendKind) throws {
    let seen = Locked<[String]>([])
    try serve(
      on: kind,
      handle: { on, journal in
        on.upgrade = { request, connection in
          seen.withLock {
            $0 = [
              request.method, request.path, request.query ?? "none",
              request.queryItem(named: "room") ?? "none",
              request.header(named: "x-token") ?? "none",
              request.host ?? "none", "\(request.headers.count)",
              connection.remoteAddress?.host ?? "none", "\(connection.isOpen)",
            ]
          }
          return .accept(Tracked(journal, note: request.queryItem(named: "room") ?? ""))
        }
        on.received = { connection, _, state in connection.send(state.note) }
      }
    ) { running in
      let peer = try running.connect()
      try peer.upgrade(target: "/chat?room=blue&x=1", headers: ["X-Token: secret"])
      #expect(
        seen.withLock { $0 } == [
          "GET", "/chat", "room=blue&x=1", "blue", "secret", "localhost", "6", "127.0.0.1", "true",
        ])
      try peer.send(.text("which?"))
      #expect(try peer.readFrame() == .text("blue"))
    }
  }

  @Test("is refused with the hook's own status, headers and body", arguments: backends)
  func refuses(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, _ in
        on.upgrade = { _, _ in
          var headers = HTTPHeaders()
          try? headers.add("WWW-Authenticate", "Bearer")
          return .refuse(
            HTTPResponse(status: .unauthorized, headers: headers, text: "Who are you?\n"))
        }
      }
    ) { running in
      let peer = try running.connect()
      try peer.send(Peer.upgradeRequest())
      let reply = try peer.readReply()
      #expect(reply.status == 401)
      #expect(reply.header("WWW-Authenticate") == "Bearer")
      #expect(reply.header("Content-Length") == "13")
      #expect(reply.body == "Who are you?\n")
      #expect(running.journal.events.isEmpty)
    }
  }

  @Test("chooses a subprotocol, which the connection knows on any thread", arguments: backends)
  func subprotocol(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, journal in
        on.upgrade = { request, _ in
          .accept(
            Tracked(journal), subprotocol: request.selectSubprotocol(from: ["v2.chat", "v1.chat"]))
        }
      }
    ) { running in
      let peer = try running.connect()
      let reply = try peer.upgrade(headers: ["Sec-WebSocket-Protocol: v1.chat, other"])
      #expect(reply.header("Sec-WebSocket-Protocol") == "v1.chat")
      #expect(try running.journal.connection().subprotocol == "v1.chat")

      let plain = try running.connect()
      #expect(try plain.upgrade().header("Sec-WebSocket-Protocol") == nil)
      #expect(try running.journal.connection(after: 1).subprotocol == nil)
    }
  }

  @Test(
    "with a subprotocol that was not offered fails with 500, and drops the state",
    arguments: backends)
  func inventedSubprotocol(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, journal in
        on.upgrade = { _, _ in .accept(Tracked(journal), subprotocol: "invented") }
      }
    ) { running in
      let peer = try running.connect()
      try peer.send(Peer.upgradeRequest(headers: ["Sec-WebSocket-Protocol: real"]))
      #expect(try peer.readReply().status == 500)
      #expect(eventually { running.journal.trackedCount == 0 })
      #expect(running.journal.events.isEmpty)
    }
  }

  @Test("adds the hook's headers to the response", arguments: backends)
  func headers(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, journal in
        on.upgrade = { _, _ in
          var headers = HTTPHeaders()
          try? headers.add("Set-Cookie", "id=7")
          return .accept(Tracked(journal), headers: headers)
        }
      }
    ) { running in
      let reply = try running.connect().upgrade()
      #expect(reply.header("set-cookie") == "id=7")
    }
  }

  @Test(
    "from a page of another origin is refused with 403, before the hook sees it",
    arguments: backends)
  func origins(on kind: BackendKind) throws {
    let askedCount = Atomic<Int>(0)
    try serve(
      on: kind,
      configure: {
        $0.origins = OriginPolicy(allowing: ["https://example.com"])
      },
      handle: { on, journal in
        on.upgrade = { _, _ in
          askedCount.add(1, ordering: .relaxed)
          return .accept(Tracked(journal))
        }
      }
    ) { running in
      for headers in [[], ["Origin: https://example.org"], ["Origin: https://example.com:444"]] {
        let peer = try running.connect()
        try peer.send(Peer.upgradeRequest(headers: headers))
        #expect(try peer.readReply().status == 403)
      }
      #expect(askedCount.load(ordering: .relaxed) == 0)
      try running.connect().upgrade(headers: ["Origin: https://EXAMPLE.com:443"])
      #expect(askedCount.load(ordering: .relaxed) == 1)
    }
  }

  @Test("of another version gets 426 and is told which one to speak", arguments: backends)
  func version(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.connect()
      let request = String(decoding: Peer.upgradeRequest(), as: UTF8.self)
      let other = request.replacing("Version: 13", with: "Version: 8")
      try peer.send(Array(other.utf8))
      let reply = try peer.readReply()
      #expect(reply.status == 426)
      #expect(reply.header("Sec-WebSocket-Version") == "13")
    }
  }
}

extension String {
  /// The text with one part replaced, wherever it stands.
  fileprivate func replacing(_ part: String, with other: String) -> String {
    split(separator: part, omittingEmptySubsequences: false).joined(separator: other)
  }
}
