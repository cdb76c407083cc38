import WebSocketProtocol

/// What became of a request, as values that outlive it.
struct ParsedRequest: Equatable {
  var outcome: RequestScript.Outcome
  var key: HandshakeKey?
  var headByteCount: Int?
}

/// Parses `bytes` as they arrive in pieces that end at `cuts`, then whole.
func parse(
  _ bytes: [UInt8], cuts: [Int] = [], with parser: inout RequestParser
) -> ParsedRequest {
  var search = HeadSearch()
  for end in cuts + [bytes.count] {
    do {
      switch try parser.parse(bytes.span.bytes.extracting(0..<end), search: &search) {
      case .needMoreBytes: continue
      case .complete(let count, .upgrade(let key)):
        return ParsedRequest(outcome: .upgrade, key: key, headByteCount: count)
      case .complete(let count, .plain):
        return ParsedRequest(outcome: .plain, headByteCount: count)
      }
    } catch {
      return ParsedRequest(outcome: .refused(error))
    }
  }
  return ParsedRequest(outcome: .incomplete)
}

func parse(
  _ text: String, limits: HandshakeLimits = HandshakeLimits()
) -> RequestScript.Outcome {
  var parser = RequestParser(limits: limits)
  return parse(Array(text.utf8), with: &parser).outcome
}

/// Hands `body` the view of the request that `text` is. Nil if it is refused or incomplete.
func withRequest<Result>(_ text: String, _ body: (borrowing HTTPRequest) -> Result) -> Result? {
  var parser = RequestParser()
  var search = HeadSearch()
  let bytes = Array(text.utf8)
  guard case .complete = try? parser.parse(bytes.span.bytes, search: &search) else { return nil }
  return parser.withRequest(in: bytes.span.bytes) { body($0) }
}

extension HTTPResponse {
  /// The response as it goes to the client.
  func sent(omittingBody: Bool = false) -> String {
    var bytes: [UInt8] = []
    append(to: &bytes, omittingBody: omittingBody)
    return String(decoding: bytes, as: UTF8.self)
  }
}
