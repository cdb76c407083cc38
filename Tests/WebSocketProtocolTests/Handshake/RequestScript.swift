import Testing
import WebSocketProtocol

/// What a client sends, and what must become of it: for the test of its section and for the test
/// that cuts it at every byte.
struct RequestScript: Sendable, CustomTestStringConvertible {
  enum Outcome: Sendable, Equatable {
    case upgrade
    case plain
    case incomplete
    case refused(HandshakeError)
  }

  let testDescription: String
  let text: String
  let expected: Outcome

  init(_ description: String, _ text: String, _ expected: Outcome) {
    testDescription = description
    self.text = text
    self.expected = expected
  }

  init(_ description: String, _ text: String, _ error: HandshakeError) {
    self.init(description, text, .refused(error))
  }

  init(_ description: String, _ text: String, _ error: HeadError) {
    self.init(description, text, .refused(.malformedHead(error)))
  }

  static let all =
    openings + wrongOpenings + plainRequests + requestLines + wrongRequestLines + fieldLines
    + wrongFieldLines + hosts + bodies
}

/// An opening handshake in which single lines can be replaced.
func opening(
  line: String = "GET /chat HTTP/1.1", host: String = "Host: server.example.com\r\n",
  upgrade: String = "Upgrade: websocket\r\n", connection: String = "Connection: Upgrade\r\n",
  key: String = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
  version: String = "Sec-WebSocket-Version: 13\r\n", more: String = ""
) -> String {
  "\(line)\r\n\(host)\(upgrade)\(connection)\(key)\(version)\(more)\r\n"
}

/// RFC 6455 §4.2.1.
extension RequestScript {
  static let openings = [
    RequestScript(
      "the handshake of §1.2",
      opening(more: "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"),
      .upgrade),
    RequestScript("Upgrade in capitals", opening(upgrade: "UPGRADE: WebSocket\r\n"), .upgrade),
    RequestScript(
      "Upgrade as one of a list", opening(upgrade: "Upgrade: h2c , websocket\r\n"), .upgrade),
    RequestScript(
      "Upgrade over two lines",
      opening(upgrade: "Upgrade: h2c\r\nUpgrade: websocket\r\n"), .upgrade),
    RequestScript(
      "Connection in small letters", opening(connection: "connection: upgrade\r\n"), .upgrade),
    RequestScript(
      "Connection as Firefox sends it",
      opening(connection: "Connection: keep-alive, Upgrade\r\n"), .upgrade),
    RequestScript(
      "Connection over two lines",
      opening(connection: "Connection: keep-alive\r\nConnection:,\tUPGRADE,\r\n"), .upgrade),
    RequestScript("HTTP/1.2", opening(line: "GET / HTTP/1.2"), .upgrade),
    RequestScript("frames right behind it", opening() + "\u{1}\u{2}\r\n\r\n", .upgrade),
    RequestScript("a body of no bytes", opening(more: "Content-Length: 0\r\n"), .upgrade),
    RequestScript(
      "extensions",
      opening(
        more: """
          Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
          sec-websocket-extensions: a;b=c;d="e\\f",, x\r\n
          """), .upgrade),
    RequestScript(
      "an extension with an empty parameter",
      opening(more: "Sec-WebSocket-Extensions: permessage-deflate;\r\n"), .upgrade),
    RequestScript(
      "no subprotocol in an empty list", opening(more: "Sec-WebSocket-Protocol: ,\r\n"), .upgrade),
    RequestScript(
      "a key of 22 characters drawn at random",
      opening(key: "Sec-WebSocket-Key: abcdefghijklmnopqrstuv==\r\n"), .upgrade),
    RequestScript(
      "the last line feed is missing", String(opening().unicodeScalars.dropLast()), .incomplete),
  ]

  static let wrongOpenings = [
    RequestScript("POST", opening(line: "POST / HTTP/1.1"), .methodNotAllowed),
    RequestScript("HEAD", opening(line: "HEAD / HTTP/1.1"), .methodNotAllowed),
    RequestScript("get", opening(line: "get / HTTP/1.1"), .methodNotAllowed),
    RequestScript("HTTP/1.0", opening(line: "GET / HTTP/1.0"), .upgradeByHTTP10),
    RequestScript("no Upgrade", opening(upgrade: ""), .missingUpgrade),
    RequestScript(
      "Upgrade to something else", opening(upgrade: "Upgrade: websockets\r\n"), .missingUpgrade),
    RequestScript("no Connection", opening(connection: ""), .missingConnectionUpgrade),
    RequestScript(
      "Connection without upgrade", opening(connection: "Connection: keep-alive\r\n"),
      .missingConnectionUpgrade),
    RequestScript(
      "upgrade only as a part of a token", opening(connection: "Connection: noupgrade\r\n"),
      .missingConnectionUpgrade),
    RequestScript("no version", opening(version: ""), .unsupportedWebSocketVersion),
    RequestScript(
      "two versions",
      opening(version: "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"),
      .repeatedWebSocketVersion),
    RequestScript("no key", opening(key: ""), .missingKey),
    RequestScript("an empty key", opening(key: "Sec-WebSocket-Key:\r\n"), .invalidKey),
    RequestScript(
      "a key of 15 bytes", opening(key: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n"),
      .invalidKey),
    RequestScript(
      "a key without its padding",
      opening(key: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n"), .invalidKey),
    RequestScript(
      "a key in the alphabet of URLs",
      opening(key: "Sec-WebSocket-Key: dGhlIHNhbXBsZS-ub25jZQ==\r\n"), .invalidKey),
    RequestScript(
      "two keys",
      opening(
        key: """
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n
          """), .repeatedKey),
    RequestScript("a body", opening(more: "Content-Length: 1\r\n") + "x", .bodyNotAllowed),
    RequestScript(
      "a body in chunks", opening(more: "Transfer-Encoding: chunked\r\n"), .bodyNotAllowed),
    RequestScript(
      "two origins", opening(more: "Origin: http://a\r\nOrigin: http://b\r\n"), .repeatedOrigin),
    RequestScript(
      "a subprotocol that is no token", opening(more: "Sec-WebSocket-Protocol: a, b c\r\n"),
      .invalidSubprotocol),
    RequestScript(
      "malformed extensions", opening(more: "Sec-WebSocket-Extensions: a; =b\r\n"),
      .invalidExtensions),
    RequestScript(
      "a draft before the RFC",
      opening(
        key: "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1\r\n",
        version: "") + "^n:ds[4U", .unsupportedWebSocketVersion),
  ]

  static let plainRequests = [
    RequestScript("GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", .plain),
    RequestScript("HEAD", "HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n", .plain),
    RequestScript(
      "POST with a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", .plain),
    RequestScript("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", .plain),
    RequestScript(
      "upgrade to HTTP/2",
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", .plain),
  ]
}

/// RFC 9112.
extension RequestScript {
  static let requestLines = [
    RequestScript(
      "absolute form", opening(line: "GET http://example.com:8080/a?b HTTP/1.1"), .upgrade),
    RequestScript(
      "absolute form of WebSocket", opening(line: "GET WSS://[::1]?b HTTP/1.1"), .upgrade),
    RequestScript("an empty line first", "\r\n" + opening(), .upgrade),
    RequestScript("many empty lines first", emptyLines + opening(), .upgrade),
    RequestScript("an empty line before a plain request", "\r\n" + plainRequest, .plain),
    RequestScript("nothing but empty lines", emptyLines, .incomplete),
    RequestScript("OPTIONS of the server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .plain),
    RequestScript(
      "what browsers leave unencoded", opening(line: "GET /a|b?{c}^`\" HTTP/1.1"), .upgrade),
  ]

  private static let emptyLines = String(repeating: "\r\n", count: 20)
  private static let plainRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  static let wrongRequestLines = [
    RequestScript("only a method", "GET\r\n\r\n", .malformedRequestLine),
    RequestScript("no version, as in HTTP/0.9", "GET /\r\n\r\n", .malformedRequestLine),
    RequestScript("a bare line feed first", "\n" + opening(), .malformedHead(.bareLineFeed)),
    RequestScript(
      "a bare carriage return first", "\r" + opening(), .malformedHead(.bareCarriageReturn)),
    RequestScript("an empty line and a blank one", "\r\n \r\n" + opening(), .malformedRequestLine),
    RequestScript("two spaces", opening(line: "GET  / HTTP/1.1"), .malformedRequestLine),
    RequestScript("two spaces further on", opening(line: "GET /  HTTP/1.1"), .malformedRequestLine),
    RequestScript("a space first", opening(line: " GET / HTTP/1.1"), .malformedRequestLine),
    RequestScript("a space at the end", opening(line: "GET / HTTP/1.1 "), .malformedRequestLine),
    RequestScript("a tab", opening(line: "GET\t/ HTTP/1.1"), .malformedRequestLine),
    RequestScript(
      "a method that is no token", opening(line: "G@T / HTTP/1.1"), .malformedRequestLine),
    RequestScript("http in small letters", opening(line: "GET / http/1.1"), .malformedRequestLine),
    RequestScript("version 1", opening(line: "GET / HTTP/1"), .malformedRequestLine),
    RequestScript("version 1.10", opening(line: "GET / HTTP/1.10"), .malformedRequestLine),
    RequestScript("version 1.x", opening(line: "GET / HTTP/1.x"), .malformedRequestLine),
    RequestScript(
      "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedHTTPVersion),
    RequestScript("version 0.9", opening(line: "GET / HTTP/0.9"), .unsupportedHTTPVersion),
    RequestScript("a fragment", opening(line: "GET /a#b HTTP/1.1"), .invalidTarget),
    RequestScript("not ASCII", opening(line: "GET /ä HTTP/1.1"), .invalidTarget),
    RequestScript("a relative path", opening(line: "GET chat HTTP/1.1"), .invalidTarget),
    RequestScript("CONNECT", opening(line: "CONNECT a:443 HTTP/1.1"), .invalidTarget),
    RequestScript("an asterisk for GET", opening(line: "GET * HTTP/1.1"), .invalidTarget),
    RequestScript("another scheme", opening(line: "GET ftp://a/ HTTP/1.1"), .invalidTarget),
    RequestScript(
      "a scheme without a host", opening(line: "GET http:///a HTTP/1.1"), .invalidTarget),
    RequestScript("only a scheme", opening(line: "GET ws: HTTP/1.1"), .invalidTarget),
    RequestScript("a user", opening(line: "GET http://me@a/ HTTP/1.1"), .invalidTarget),
  ]

  static let fieldLines = [
    RequestScript("an empty value", opening(more: "X:\r\n"), .upgrade),
    RequestScript("white space around a value", opening(more: "X: \t a \t \r\n"), .upgrade),
    RequestScript("colons in a value", opening(more: "X: a:b: c\r\n"), .upgrade),
    RequestScript("octets above ASCII in a value", opening(more: "X: grün\r\n"), .upgrade),
    RequestScript(
      "every kind of token character", opening(more: "!#$%&'*+-.^_`|~09azAZ: a\r\n"), .upgrade),
  ]

  static let wrongFieldLines = [
    RequestScript("a space before the colon", opening(more: "X : a\r\n"), .whitespaceBeforeColon),
    RequestScript("a tab before the colon", opening(more: "X\t: a\r\n"), .whitespaceBeforeColon),
    RequestScript("no colon", opening(more: "X\r\n"), .invalidFieldName),
    RequestScript("no name", opening(more: ": a\r\n"), .invalidFieldName),
    RequestScript("a name that is no token", opening(more: "X(: a\r\n"), .invalidFieldName),
    RequestScript("a name above ASCII", opening(more: "Ä: a\r\n"), .invalidFieldName),
    RequestScript("a folded value", opening(more: "X: a\r\n b\r\n"), .foldedLine),
    RequestScript("a first line that is folded", "GET / HTTP/1.1\r\n X: a\r\n\r\n", .foldedLine),
    RequestScript(
      "a carriage return in a value", opening(more: "X: a\rb\r\n"), .bareCarriageReturn),
    RequestScript("two carriage returns", opening(more: "X: a\r\r\n"), .bareCarriageReturn),
    RequestScript("a line feed alone", opening(more: "X: a\nY: b\r\n"), .bareLineFeed),
    RequestScript("line feeds only", "GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
    RequestScript("NUL", opening(more: "X: a\0b\r\n"), .controlCharacter),
    RequestScript("escape", opening(more: "X: \u{1B}[0m\r\n"), .controlCharacter),
    RequestScript("delete", opening(more: "X: \u{7F}\r\n"), .controlCharacter),
    RequestScript("a TLS greeting", "\u{16}\u{3}\u{1}", .controlCharacter),
  ]

  static let hosts = [
    RequestScript("a name and a port", opening(host: "Host: a.example:80\r\n"), .upgrade),
    RequestScript("an empty port", opening(host: "Host: a:\r\n"), .upgrade),
    RequestScript("IPv4", opening(host: "Host: 127.0.0.1:65535\r\n"), .upgrade),
    RequestScript("IPv6", opening(host: "Host: [::ffff:1.2.3.4]:80\r\n"), .upgrade),
    RequestScript("an empty host", opening(host: "Host:\r\n"), .upgrade),
    RequestScript("a blank host, plain", "GET / HTTP/1.1\r\nHost: \t\r\n\r\n", .plain),
    RequestScript("no Host", opening(host: ""), .missingHost),
    RequestScript("two empty hosts", opening(host: "Host:\r\nHost:\r\n"), .repeatedHost),
    RequestScript("no Host, plain", "GET / HTTP/1.1\r\n\r\n", .missingHost),
    RequestScript("two hosts", opening(host: "Host: a\r\nHost: a\r\n"), .repeatedHost),
    RequestScript("only a port", opening(host: "Host: :80\r\n"), .invalidHost),
    RequestScript("a list of hosts", opening(host: "Host: a, b\r\n"), .invalidHost),
    RequestScript("a path", opening(host: "Host: a/b\r\n"), .invalidHost),
    RequestScript("a user", opening(host: "Host: me@a\r\n"), .invalidHost),
    RequestScript("a port that is no number", opening(host: "Host: a:b\r\n"), .invalidHost),
    RequestScript("an open bracket", opening(host: "Host: [::1\r\n"), .invalidHost),
    RequestScript("empty brackets", opening(host: "Host: []\r\n"), .invalidHost),
    RequestScript("more behind a bracket", opening(host: "Host: [::1]a\r\n"), .invalidHost),
  ]

  static let bodies = [
    RequestScript(
      "a length that is no number", plain("Content-Length: +1\r\n"), .invalidContentLength),
    RequestScript("an empty length", plain("Content-Length:\r\n"), .invalidContentLength),
    RequestScript("a list of lengths", plain("Content-Length: 1, 1\r\n"), .invalidContentLength),
    RequestScript(
      "two lengths", plain("Content-Length: 1\r\nContent-Length: 2\r\n"), .invalidContentLength),
    RequestScript(
      "a length of more than 64 bits", plain("Content-Length: 18446744073709551616\r\n"),
      .invalidContentLength),
    RequestScript(
      "a length next to an encoding",
      plain("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), .invalidContentLength),
  ]

  private static func plain(_ fields: String) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
  }
}
