import Testing
import WebSocket

@Suite("A request that opens no WebSocket")
struct PlainRequestTests {
  @Test("gets 426 by default, with what to do instead", arguments: backends)
  func upgradeRequired(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let reply = try running.connect().request("GET / HTTP/1.1", "Host: localhost")
      #expect(reply.status == 426)
      #expect(reply.header("Upgrade") == "websocket")
      #expect(reply.header("Sec-WebSocket-Version") == "13")
      #expect(reply.header("Content-Length") == "\(reply.body.utf8.count)")
      #expect(!reply.body.isEmpty)
    }
  }

  @Test("is answered by the respond hook, and HEAD without the body", arguments: backends)
  func respond(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, _ in
        on.respond = { request, connection in
          guard request.hasPath("/page") else { return HTTPResponse(status: .notFound, text: "no") }
          return HTTPResponse(status: .ok, text: "\(request.method) \(connection.isOpen)")
        }
      }
    ) { running in
      let page = try running.connect().request("GET /page?x HTTP/1.1", "Host: localhost")
      #expect(page.status == 200 && page.body == "GET true")
      let none = try running.connect().request("POST /other HTTP/1.1", "Host: localhost")
      #expect(none.status == 404 && none.body == "no")
      let head = try running.connect().request("HEAD /page HTTP/1.1", "Host: localhost")
      #expect(head.status == 200 && head.header("Content-Length") == "9" && head.body.isEmpty)
    }
  }

  @Test("with a body is answered all the same, without a reset", arguments: backends)
  func body(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.connect()
      let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
      try peer.send(Array(head.utf8))
      try peer.send([UInt8](repeating: 0x61, count: 100_000))
      #expect(try peer.readReply().status == 426)
    }
  }

  @Test("answers a large page whole to a slow reader", arguments: backends)
  func largePage(on kind: BackendKind) throws {
    let page = String(repeating: "martlet ", count: 300_000)
    try serve(
      on: kind,
      configure: {
        $0.reactor.lingerMilliseconds = 5000
      },
      handle: { on, _ in
        on.respond = { _, _ in HTTPResponse(status: .ok, text: page) }
      }
    ) { running in
      let peer = try running.connect(receiveBufferByteCount: 4096)
      #expect(try peer.request("GET / HTTP/1.1", "Host: localhost").body == page)
    }
  }

  @Test("gets the status that says what is wrong with it", arguments: backends)
  func malformed(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      for (lines, status) in [
        (["GET / HTTP/1.1"], 400),
        (["GET / HTTP/1.1", "Host: localhost", " folded: yes"], 400),
        (["nonsense"], 400),
        (["GET / HTTP/2.0", "Host: localhost"], 505),
        (["GET /\(String(repeating: "x", count: 8100)) HTTP/1.1", "Host: localhost"], 414),
        (["POST / HTTP/1.1", "Host: localhost", "Upgrade: websocket"], 405),
      ] {
        let peer = try running.connect()
        try peer.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        #expect(try peer.readReply().status == status, "\(lines)")
      }
    }
  }
}
