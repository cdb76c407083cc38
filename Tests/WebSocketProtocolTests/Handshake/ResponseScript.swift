import Testing
import WebSocketProtocol

/// What a server answers, and what must become of it at the client.
struct ResponseScript: Sendable, CustomTestStringConvertible {
  enum Expected: Sendable, Equatable {
    case incomplete
    case upgraded(subprotocol: String?)
    case interim(code: Int)
    case refused(code: Int)
    case failed(ResponseError)

    func matches(_ outcome: Result<ResponseParser.Outcome, ResponseError>) -> Bool {
      switch outcome {
      case .success(.needMoreBytes): self == .incomplete
      case .success(.upgraded(_, let subprotocol, _)): self == .upgraded(subprotocol: subprotocol)
      case .success(.interim(let head)): self == .interim(code: head.status.code)
      case .success(.refused(let head)): self == .refused(code: head.status.code)
      case .failure(let error): self == .failed(error)
      }
    }
  }

  let testDescription: String
  let text: String
  let expected: Expected
  /// The subprotocols and extensions that the client has offered.
  let request: [String]

  init(
    _ description: String, _ text: String, _ expected: Expected, offering offers: [String] = []
  ) {
    testDescription = description
    self.text = text
    self.expected = expected
    self.request = offers
  }
}

/// Parses `bytes` as they arrive in pieces that end at `cuts`, then whole. `offers` are offered as
/// subprotocols and as extensions.
func parse(
  _ bytes: [UInt8], cuts: [Int] = [], offering offers: [String] = [],
  limits: HandshakeLimits = HandshakeLimits()
) throws -> Result<ResponseParser.Outcome, ResponseError> {
  let request = try UpgradeRequestBuilder(
    host: "a", key: try #require(handshakeKey("dGhlIHNhbXBsZSBub25jZQ==")),
    subprotocols: offers, extensions: offers.map { WebSocketExtension($0) })
  var parser = ResponseParser(limits: limits)
  var search = HeadSearch()
  for end in cuts + [bytes.count] {
    do {
      let outcome = try parser.parse(
        bytes.span.bytes.extracting(0..<end), search: &search, answering: request)
      if outcome != .needMoreBytes { return .success(outcome) }
    } catch {
      return .failure(error)
    }
  }
  return .success(.needMoreBytes)
}

/// A response to the key of RFC 6455 §1.3 in which single lines can be replaced.
func answer(
  line: String = "HTTP/1.1 101 Switching Protocols", upgrade: String = "Upgrade: websocket\r\n",
  connection: String = "Connection: Upgrade\r\n",
  accept: String = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", more: String = ""
) -> String {
  "\(line)\r\n\(upgrade)\(connection)\(accept)\(more)\r\n"
}

extension ResponseScript {
  static let all = accepted + otherStatuses + failed

  static let accepted = [
    ResponseScript("the answer of §1.3", answer(), .upgraded(subprotocol: nil)),
    ResponseScript("frames behind it", answer() + "\u{1}\u{2}hello", .upgraded(subprotocol: nil)),
    ResponseScript("HTTP/1.2", answer(line: "HTTP/1.2 101 x"), .upgraded(subprotocol: nil)),
    ResponseScript("no reason phrase", answer(line: "HTTP/1.1 101 "), .upgraded(subprotocol: nil)),
    ResponseScript(
      "no space behind 101", answer(line: "HTTP/1.1 101"), .upgraded(subprotocol: nil)),
    ResponseScript(
      "other cases and lists",
      answer(upgrade: "UPGRADE: WebSocket\r\n", connection: "connection: keep-alive, upgrade\r\n"),
      .upgraded(subprotocol: nil)),
    ResponseScript(
      "a subprotocol and an extension of ours",
      answer(more: "Sec-WebSocket-Protocol: v2\r\nSec-WebSocket-Extensions: v1; a=1\r\n"),
      .upgraded(subprotocol: "v2"), offering: ["v1", "v2"]),
    ResponseScript(
      "a folded field", answer(more: "X: a\r\n b\r\n\tc\r\n \r\n"), .upgraded(subprotocol: nil)),
    ResponseScript(
      "folds in the fields of the handshake",
      answer(
        upgrade: "Upgrade:\r\n\twebsocket\r\n",
        connection: "Connection: keep-alive,\r\n Upgrade\r\n",
        accept: "Sec-WebSocket-Accept: \r\n  s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n \r\n",
        more: "Sec-WebSocket-Protocol:\r\n v2\r\nSec-WebSocket-Extensions: v1\r\n ; a\r\n =1\r\n"),
      .upgraded(subprotocol: "v2"), offering: ["v1", "v2"]),
    ResponseScript("an unfinished fold", "HTTP/1.1 101 S\r\nX: a\r\n ", .incomplete),
    ResponseScript("an unfinished head", "HTTP/1.1 101 S\r\nUpgrade: webs", .incomplete),
  ]

  static let otherStatuses = [
    ResponseScript(
      "early hints", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP", .interim(code: 103)),
    ResponseScript("a redirect", "HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n", .refused(code: 302)),
    ResponseScript("a refusal", "HTTP/1.0 403 Forbidden\r\n\r\nbody", .refused(code: 403)),
    ResponseScript("status 600", answer(line: "HTTP/1.1 600 x"), .refused(code: 600)),
    ResponseScript("status 999", answer(line: "HTTP/1.1 999 x"), .refused(code: 999)),
    ResponseScript("no space behind 503", answer(line: "HTTP/1.1 503"), .refused(code: 503)),
    ResponseScript("no space behind 100", answer(line: "HTTP/1.1 100"), .interim(code: 100)),
    ResponseScript("200", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .refused(code: 200)),
  ]

  static let failed = [
    ResponseScript("no HTTP", "SSH-2.0-OpenSSH_9\r\n\r\n", .failed(.malformedStatusLine)),
    ResponseScript("an empty line", "\r\n\r\n", .failed(.malformedStatusLine)),
    ResponseScript("no status", answer(line: "HTTP/1.1"), .failed(.malformedStatusLine)),
    ResponseScript("an empty status", answer(line: "HTTP/1.1 "), .failed(.malformedStatusLine)),
    ResponseScript("two digits", answer(line: "HTTP/1.1 10"), .failed(.malformedStatusLine)),
    ResponseScript(
      "two digits, a space", answer(line: "HTTP/1.1 10 "), .failed(.malformedStatusLine)),
    ResponseScript("a tab", answer(line: "HTTP/1.1 101\tx"), .failed(.malformedStatusLine)),
    ResponseScript("two spaces", answer(line: "HTTP/1.1  101 x"), .failed(.malformedStatusLine)),
    ResponseScript("letters", answer(line: "HTTP/1.1 1O1 x"), .failed(.malformedStatusLine)),
    ResponseScript("four digits", answer(line: "HTTP/1.1 1010 x"), .failed(.malformedStatusLine)),
    ResponseScript("status 099", answer(line: "HTTP/1.1 099 x"), .failed(.malformedStatusLine)),
    ResponseScript("HTTP/2.0", answer(line: "HTTP/2.0 101 x"), .failed(.unsupportedHTTPVersion)),
    ResponseScript(
      "an upgrade by HTTP/1.0", answer(line: "HTTP/1.0 101 x"), .failed(.unsupportedHTTPVersion)),
    ResponseScript("no Upgrade", answer(upgrade: ""), .failed(.invalidUpgrade)),
    ResponseScript(
      "another Upgrade", answer(upgrade: "Upgrade: h2c, websocket\r\n"), .failed(.invalidUpgrade)),
    ResponseScript("no Connection", answer(connection: ""), .failed(.invalidConnection)),
    ResponseScript(
      "another Connection", answer(connection: "Connection: close\r\n"),
      .failed(.invalidConnection)),
    ResponseScript("no accept key", answer(accept: ""), .failed(.invalidAccept)),
    ResponseScript(
      "an accept key in another case",
      answer(accept: "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n"),
      .failed(.invalidAccept)),
    ResponseScript(
      "two accept keys",
      answer(more: "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
      .failed(.invalidAccept)),
    ResponseScript(
      "a subprotocol nobody offered", answer(more: "Sec-WebSocket-Protocol: a\r\n"),
      .failed(.unexpectedSubprotocol)),
    ResponseScript(
      "two subprotocols", answer(more: "Sec-WebSocket-Protocol: a, b\r\n"),
      .failed(.unexpectedSubprotocol), offering: ["a", "b"]),
    ResponseScript(
      "a subprotocol on two lines",
      answer(more: "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n"),
      .failed(.unexpectedSubprotocol), offering: ["a"]),
    ResponseScript(
      "an extension nobody offered", answer(more: "Sec-WebSocket-Extensions: a\r\n"),
      .failed(.unexpectedExtension), offering: ["b"]),
    ResponseScript(
      "a malformed extension", answer(more: "Sec-WebSocket-Extensions: a;;=\r\n"),
      .failed(.unexpectedExtension), offering: ["a"]),
    ResponseScript(
      "a first field that is folded", "HTTP/1.1 101 S\r\n X: a\r\n\r\n",
      .failed(.malformedHead(.foldedLine))),
    ResponseScript(
      "a fold in a name", answer(more: "X\r\n Y: a\r\n"),
      .failed(.malformedHead(.whitespaceBeforeColon))),
    ResponseScript(
      "a fold in the accept key",
      answer(accept: "Sec-WebSocket-Accept: s3pPLMBiTxaQ9k\r\n YGzzhZRbK+xOo=\r\n"),
      .failed(.invalidAccept)),
    ResponseScript(
      "a fold in Upgrade", answer(upgrade: "Upgrade: web\r\n socket\r\n"),
      .failed(.invalidUpgrade)),
    ResponseScript(
      "an upgrade that only a fold hides",
      answer(upgrade: "X: a\r\n Upgrade: websocket\r\n"), .failed(.invalidUpgrade)),
    ResponseScript(
      "a second subprotocol behind a fold",
      answer(more: "Sec-WebSocket-Protocol: a\r\n , b\r\n"), .failed(.unexpectedSubprotocol),
      offering: ["a", "b"]),
    ResponseScript(
      "a bare line feed in a fold", answer(more: "X: a\n b\r\n"),
      .failed(.malformedHead(.bareLineFeed))),
    ResponseScript("binary", "\u{15}\u{3}\u{3}", .failed(.malformedHead(.controlCharacter))),
  ]
}
