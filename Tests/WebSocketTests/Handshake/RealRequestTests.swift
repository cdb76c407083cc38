import Glibc
import Testing
import WebSocket

@Suite("A request as clients and proxies send it")
struct RealRequestTests {
  private static let lines = [
    "GET / HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
    "Sec-WebSocket-Key: \(Peer.key)", "Sec-WebSocket-Version: 13",
  ]

  private static func request(_ old: String, _ new: String) -> [UInt8] {
    let lines = lines.map { $0 == old ? new : $0 }
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  @Test("opens a WebSocket", arguments: backends)
  func opens(on kind: BackendKind) throws {
    let host = "Host: localhost"
    let connection = "Connection: Upgrade"
    let requests = [
      Array("\r\n".utf8) + Peer.upgradeRequest(),
      Array("\r\n\r\n\r\n".utf8) + Peer.upgradeRequest(),
      Self.request(host, "Host:"), Self.request(host, "HOST: [::1]:8080"),
      Self.request(connection, "connection:keep-alive ,\tUPGRADE"),
      Self.request(connection, "Connection: keep-alive\r\nConnection: Upgrade"),
      Self.request("Upgrade: websocket", "UPGRADE:\t WebSocket \t"),
      Self.request("GET / HTTP/1.1", "GET http://proxied:81/a?b HTTP/1.1"),
      Self.request(host, "\(host)\r\nSec-WebSocket-Extensions: permessage-deflate;"),
      Self.request(host, "\(host)\r\nSec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b,"),
      Self.request(host, "\(host)\r\nX-Empty:\r\nX-Blank: \t \r\nContent-Length: 0"),
      Self.request(
        host,
        "\(host)\r\nCookie: a=\(String(repeating: "x", count: 6000))"
          + "\r\nCookie: b=\(String(repeating: "y", count: 6000))"),
    ]
    try serve(on: kind) { running in
      for request in requests {
        for pieces in [request.count, 7] where request.count < 1000 || pieces > 7 {
          let peer = try running.connect()
          try peer.send(request, inPiecesOf: pieces)
          try peer.readUpgrade()
          try peer.expectEcho()
        }
      }
    }
  }

  @Test("gets the answer to its own key, also if that is no canonical base64", arguments: backends)
  func key(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.connect()
      try peer.send(
        Self.request(
          "Sec-WebSocket-Key: \(Peer.key)", "Sec-WebSocket-Key: abcdefghijklmnopqrstuv=="))
      let head = try peer.readHead()
      #expect(head.hasPrefix("HTTP/1.1 101 "))
      #expect(head.contains("Sec-WebSocket-Accept: bgAIe1Uyl8RkKSUGzScol17gp1Y=\r\n"))
      try peer.expectEcho()
    }
  }

  @Test(
    "is answered with the date, whatever the answer, unless the program gives one",
    arguments: backends)
  func date(on kind: BackendKind) throws {
    try serve(
      on: kind,
      handle: { on, _ in
        on.respond = { request, _ in
          var headers = HTTPHeaders()
          if request.hasPath("/own") { try? headers.add("DATE", "today") }
          return HTTPResponse(status: .ok, headers: headers, text: "page")
        }
      }
    ) { running in
      let start = time(nil)
      let heads = [
        try running.connect().request("GET / HTTP/1.1", "Host: a").head,
        try running.connect().request("HEAD / HTTP/1.1", "Host: a").head,
        try running.connect().request("nonsense").head,
        try running.connect().upgrade().head,
      ]
      let known = (start...time(nil)).map { HTTPDate(secondsSince1970: Int64($0)) }
        .map { date in date.characters.indices.map { date.characters[$0] } }
        .map { "\r\nDate: \(String(decoding: $0, as: UTF8.self))\r\n" }
      for head in heads { #expect(known.contains { head.contains($0) }, "\(head)") }
      let own = try running.connect().request("GET /own HTTP/1.1", "Host: a").head
      #expect(own.contains("\r\nDATE: today\r\n") && !own.contains("\r\nDate: "))
    }
  }
}
