/// What a well-formed request asks for.
public enum RequestKind: Sendable, Equatable {
  /// An opening handshake that meets RFC 6455 §4.2.1. Answer it with an `UpgradeResponse` for the
  /// key, or refuse it.
  case upgrade(HandshakeKey)
  /// Any other HTTP request, such as a browser's for a page.
  case plain
}

/// Reads the head of an HTTP/1.1 request. One parser serves any number of connections, one request
/// at a time: what belongs to one connection is its `HeadSearch`. Once its storage has grown,
/// parsing allocates nothing.
public struct RequestParser: ~Copyable, Sendable {
  /// How far a request has been understood.
  public enum Outcome: Sendable, Equatable {
    /// The head has not ended. Present the same bytes again with more after them.
    case needMoreBytes
    /// Bytes from `headByteCount` on are what follows: frames, if the client did not wait.
    case complete(headByteCount: Int, RequestKind)
  }

  /// How large the head of a request may be.
  public let limits: HandshakeLimits

  /// Whether the last request that was parsed, or refused after its request line was understood,
  /// is a HEAD request: its answer has no body (RFC 9110 §9.3.2).
  public private(set) var isHeadRequest = false

  private var line = RequestLine()
  private var fields = FieldLines()

  /// A parser that refuses heads beyond these limits.
  public init(limits: HandshakeLimits = HandshakeLimits()) {
    self.limits = limits
  }

  /// Parses the request at the start of `bytes`, which are everything the connection has sent so
  /// far. `search` is the connection's own and new for its first call. Empty lines in front of the
  /// request line are ignored, and count as bytes of the head (RFC 9112 §2.2). After an error the
  /// connection is answered with the error's `response` and ended.
  public mutating func parse(
    _ bytes: RawSpan, search: inout HeadSearch
  ) throws(HandshakeError) -> Outcome {
    isHeadRequest = false
    guard let end = try findEnd(in: bytes, search: &search) else { return .needMoreBytes }
    try parseHead(bytes, in: Int(search.emptyLinesByteCount)..<end)
    let kind = try request(in: bytes).checkedKind()
    return .complete(headByteCount: end, kind)
  }

  /// Lends `body` a view of the request that the last call of `parse` completed. `bytes` are those
  /// it was given, which must not have changed. `body` must not parse with this parser.
  public borrowing func withRequest<Result: ~Copyable, Failure: Error>(
    in bytes: RawSpan, _ body: (borrowing HTTPRequest) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(request(in: bytes))
  }

  @_lifetime(borrow self, copy bytes)
  private borrowing func request(in bytes: RawSpan) -> HTTPRequest {
    HTTPRequest(line: line, bytes: bytes, lines: fields.lines.span)
  }

  private func findEnd(
    in bytes: RawSpan, search: inout HeadSearch
  ) throws(HandshakeError) -> Int? {
    do {
      return try search.findEnd(
        in: bytes, byteCountMax: limits.headByteCountMax, skippingEmptyLines: true)
    } catch {
      // A first line that fills the whole limit has too long a target, not too many fields.
      let line = Int(search.emptyLinesByteCount)..<min(bytes.byteCount, limits.headByteCountMax)
      let isInFirstLine = !line.isEmpty && bytes.firstIndex(of: .lineFeed, in: line) == nil
      throw error == .tooLong && isInFirstLine ? .targetTooLong : .malformedHead(error)
    }
  }

  private mutating func parseHead(
    _ bytes: RawSpan, in head: Range<Int>
  ) throws(HandshakeError) {
    let lineEnd = bytes.firstIndex(of: .carriageReturn, in: head) ?? head.lowerBound
    line = try RequestLine(
      bytes, in: head.lowerBound..<lineEnd, targetByteCountMax: limits.targetByteCountMax)
    isHeadRequest = bytes.equals("HEAD", in: line.method)
    do {
      try fields.parse(
        bytes, in: lineEnd + 2..<head.upperBound - 2, countMax: limits.headerCountMax)
    } catch {
      throw .malformedHead(error)
    }
  }
}
