/// Reads the server's response to an opening handshake. As with `RequestParser`, what belongs to
/// one connection is its `HeadSearch`.
public struct ResponseParser: ~Copyable, Sendable {
  /// What a server has answered so far.
  public enum Outcome: Sendable, Equatable {
    /// The head has not ended. Present the same bytes again with more after them.
    case needMoreBytes
    /// A response that only announces another (RFC 9110 §15.2). Drop its bytes, and go on with
    /// those behind it and a new `HeadSearch`.
    case interim(ResponseHead)
    /// The WebSocket is open. Bytes behind the head are frames.
    case upgraded(ResponseHead, subprotocol: String?, extensions: [WebSocketExtension])
    /// A well-formed answer other than 101: a redirect, a demand to authenticate, a refusal.
    case refused(ResponseHead)
  }

  /// How large the head of a response may be.
  public let limits: HandshakeLimits
  private var fields = FieldLines()

  /// Of the limits, `targetByteCountMax` has no meaning here.
  public init(limits: HandshakeLimits = HandshakeLimits()) {
    self.limits = limits
  }

  /// Parses the response at the start of `bytes`, which are everything the server has sent so far.
  /// `search` is the connection's own and new for its first call. `request` is what was sent. A
  /// field that is folded over lines is read as if it stood in one (RFC 9112 §5.2).
  public mutating func parse(
    _ bytes: RawSpan, search: inout HeadSearch, answering request: UpgradeRequestBuilder
  ) throws(ResponseError) -> Outcome {
    guard let end = try findEnd(in: bytes, search: &search) else { return .needMoreBytes }
    let lineEnd = bytes.firstIndex(of: .carriageReturn, in: 0..<end) ?? 0
    let line = try StatusLine(bytes, in: 0..<lineEnd)
    let reasonPhrase = bytes.text(in: line.reasonPhrase)
    let fieldLines = lineEnd + 2..<end - 2
    // What follows sees no folds, so that every rule is applied to what a value means.
    guard let unfolded = bytes.unfoldedLines(in: fieldLines) else {
      try parseFields(bytes, in: fieldLines)
      return try outcome(line, reasonPhrase, fieldsIn: bytes, byteCount: end, answering: request)
    }
    let span = unfolded.span
    let lines = RawSpan(_elements: span)
    try parseFields(lines, in: 0..<lines.byteCount)
    return try outcome(line, reasonPhrase, fieldsIn: lines, byteCount: end, answering: request)
  }

  private func outcome(
    _ line: StatusLine, _ reasonPhrase: String, fieldsIn bytes: RawSpan, byteCount: Int,
    answering request: UpgradeRequestBuilder
  ) throws(ResponseError) -> Outcome {
    let table = FieldTable(bytes: bytes, lines: fields.lines.span)
    let head = ResponseHead(
      status: line.status, reasonPhrase: reasonPhrase, headers: table.copied(),
      byteCount: byteCount)
    if line.status != .switchingProtocols {
      return line.status.code < 200 ? .interim(head) : .refused(head)
    }
    guard line.minorVersion >= 1 else { throw .unsupportedHTTPVersion }
    try table.checkUpgrade(answering: request.key)
    return .upgraded(
      head, subprotocol: try table.subprotocol(of: request.subprotocols),
      extensions: try table.extensions(of: request.extensions))
  }

  private func findEnd(
    in bytes: RawSpan, search: inout HeadSearch
  ) throws(ResponseError) -> Int? {
    do {
      return try search.findEnd(in: bytes, byteCountMax: limits.headByteCountMax)
    } catch {
      throw .malformedHead(error)
    }
  }

  private mutating func parseFields(_ bytes: RawSpan, in range: Range<Int>) throws(ResponseError) {
    do {
      try fields.parse(bytes, in: range, countMax: limits.headerCountMax)
    } catch {
      throw .malformedHead(error)
    }
  }
}

/// What a client must check (RFC 6455 §4.1).
extension FieldTable {
  fileprivate func checkUpgrade(answering key: HandshakeKey) throws(ResponseError) {
    guard case .once(let upgrade) = occurrence(of: "upgrade"),
      bytes.equalsIgnoringCase("websocket", in: upgrade)
    else { throw .invalidUpgrade }
    guard list("connection", contains: "upgrade") else { throw .invalidConnection }
    guard case .once(let accept) = occurrence(of: "sec-websocket-accept"),
      key.accept.matches(bytes.extracting(accept))
    else { throw .invalidAccept }
  }

  fileprivate func subprotocol(of offered: [String]) throws(ResponseError) -> String? {
    switch occurrence(of: "sec-websocket-protocol") {
    case .missing: return nil
    case .repeated: throw .unexpectedSubprotocol
    case .once(let value):
      guard let subprotocol = offered.first(where: { bytes.equals($0, in: value) }) else {
        throw .unexpectedSubprotocol
      }
      return subprotocol
    }
  }

  fileprivate func extensions(
    of offered: [WebSocketExtension]
  ) throws(ResponseError) -> [WebSocketExtension] {
    guard let chosen = WebSocketExtension.all(in: self),
      chosen.allSatisfy({ choice in offered.contains { $0.name == choice.name } })
    else { throw .unexpectedExtension }
    return chosen
  }
}
