import WebSocketProtocol

/// What became of a request, as values that outlive it.
enum ParsedRequest: Equatable {
  case upgrade(HandshakeKey, headByteCount: Int)
  case plain(headByteCount: Int)
  case incomplete
  case refused(HandshakeError)

  var isUpgrade: Bool { if case .upgrade = self { true } else { false } }
  var isPlain: Bool { if case .plain = self { true } else { false } }
}

/// Parses `text` as it arrives in pieces that end at `cuts`, then whole.
func parse(
  _ text: String, cuts: [Int] = [], limits: HandshakeLimits = HandshakeLimits()
) -> ParsedRequest {
  var parser = RequestParser(limits: limits)
  return parse(text, cuts: cuts, with: &parser)
}

func parse(
  _ text: String, cuts: [Int] = [], with parser: inout RequestParser
) -> ParsedRequest {
  let bytes = Array(text.utf8)
  var search = HeadSearch()
  for end in cuts + [bytes.count] {
    do {
      switch try parser.parse(bytes.span.bytes.extracting(0..<end), search: &search) {
      case .needMoreBytes: continue
      case .complete(let count, .upgrade(let key)): return .upgrade(key, headByteCount: count)
      case .complete(let count, .plain): return .plain(headByteCount: count)
      }
    } catch {
      return .refused(error)
    }
  }
  return .incomplete
}

/// Hands `body` the view of the request that `text` is. Nil if it is refused or incomplete.
func withRequest<Result>(_ text: String, _ body: (borrowing HTTPRequest) -> Result) -> Result? {
  var parser = RequestParser()
  var search = HeadSearch()
  let bytes = Array(text.utf8)
  guard case .complete = try? parser.parse(bytes.span.bytes, search: &search) else { return nil }
  return parser.withRequest(in: bytes.span.bytes) { body($0) }
}

/// An opening handshake in which single lines can be replaced.
func upgrade(
  line: String = "GET /chat HTTP/1.1", host: String = "Host: server.example.com\r\n",
  upgrade: String = "Upgrade: websocket\r\n", connection: String = "Connection: Upgrade\r\n",
  key: String = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
  version: String = "Sec-WebSocket-Version: 13\r\n", more: String = ""
) -> String {
  "\(line)\r\n\(host)\(upgrade)\(connection)\(key)\(version)\(more)\r\n"
}
