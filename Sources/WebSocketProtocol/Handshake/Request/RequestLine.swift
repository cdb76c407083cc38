/// The request line as byte ranges (RFC 9112 §3).
struct RequestLine: Sendable, Equatable {
  var method = 0..<0
  var target = 0..<0
  /// Without the query. Never empty.
  var path = 0..<0
  /// Without the question mark; nil if there is none.
  var query: Range<Int>?
  /// Of a target in absolute form, which takes precedence over `Host` (RFC 9112 §3.2.2).
  var authority: Range<Int>?
  /// The digit after `HTTP/1.`.
  var minorVersion = 1

  init() {}

  /// `range` is the line without its CRLF. There is one space between the parts, no more.
  init(_ bytes: RawSpan, in range: Range<Int>, targetByteCountMax: Int) throws(HandshakeError) {
    guard let methodEnd = bytes.firstIndex(of: .space, in: range),
      let targetEnd = bytes.firstIndex(of: .space, in: methodEnd + 1..<range.upperBound)
    else { throw .malformedRequestLine }
    method = range.lowerBound..<methodEnd
    target = methodEnd + 1..<targetEnd
    guard bytes.isToken(in: method), !target.isEmpty else { throw .malformedRequestLine }
    minorVersion = try Self.minorVersion(bytes, in: targetEnd + 1..<range.upperBound)
    if target.count > targetByteCountMax { throw .targetTooLong }
    try parseTarget(bytes)
  }

  /// RFC 9112 §2.3: `HTTP/` digit `.` digit, with its case.
  private static func minorVersion(
    _ bytes: RawSpan, in range: Range<Int>
  ) throws(HandshakeError) -> Int {
    let start = range.lowerBound
    guard range.count == 8, bytes.equals("HTTP/", in: start..<start + 5),
      bytes[octet: start + 5].isDigit, bytes[octet: start + 6] == UInt8(ascii: "."),
      bytes[octet: start + 7].isDigit
    else { throw .malformedRequestLine }
    guard bytes[octet: start + 5] == UInt8(ascii: "1") else { throw .unsupportedHTTPVersion }
    return Int(bytes[octet: start + 7] - UInt8(ascii: "0"))
  }

  /// RFC 9112 §3.2: origin form, absolute form, or the asterisk of OPTIONS. Browsers leave some
  /// characters unencoded that RFC 3986 does not allow, such as `|`, so any visible ASCII passes,
  /// except the number sign: a fragment is never sent (RFC 6455 §3).
  private mutating func parseTarget(_ bytes: RawSpan) throws(HandshakeError) {
    for index in target
    where !bytes[octet: index].isVisible || bytes[octet: index] == UInt8(ascii: "#") {
      throw .invalidTarget
    }
    if bytes[octet: target.lowerBound] == UInt8(ascii: "/") {
      splitQuery(bytes, from: target.lowerBound)
    } else if bytes.equals("*", in: target), bytes.equals("OPTIONS", in: method) {
      path = target
    } else {
      try parseAbsoluteForm(bytes)
    }
  }

  private mutating func parseAbsoluteForm(_ bytes: RawSpan) throws(HandshakeError) {
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":"), in: target),
      ["http", "https", "ws", "wss"].contains(where: {
        bytes.equalsIgnoringCase($0, in: target.lowerBound..<colon)
      }),
      target.upperBound - colon > 3, bytes.equals("://", in: colon..<colon + 3)
    else { throw .invalidTarget }
    let start = colon + 3
    let end =
      (start..<target.upperBound).first {
        bytes[octet: $0] == UInt8(ascii: "/") || bytes[octet: $0] == UInt8(ascii: "?")
      } ?? target.upperBound
    guard HostSyntax.isHost(bytes, in: start..<end) else { throw .invalidTarget }
    authority = start..<end
    splitQuery(bytes, from: end)
    // An empty path stands for "/" (RFC 9110 §4.2.3). The last octet of "://" is one.
    if path.isEmpty { path = colon + 2..<start }
  }

  private mutating func splitQuery(_ bytes: RawSpan, from start: Int) {
    let rest = start..<target.upperBound
    let mark = bytes.firstIndex(of: UInt8(ascii: "?"), in: rest)
    path = start..<(mark ?? target.upperBound)
    query = mark.map { $0 + 1..<target.upperBound }
  }
}
