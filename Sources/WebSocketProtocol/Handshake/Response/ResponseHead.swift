/// The head of a response that a client has received.
public struct ResponseHead: Sendable, Equatable {
  /// From 100 to 599; one from 600 to 999 is invalid, and means a server error (RFC 9110 §15).
  public let status: HTTPStatus
  /// As the server worded it. Often empty.
  public let reasonPhrase: String
  /// Every field, in their order, duplicates included. Where a value was folded over lines, it has
  /// a space.
  public let headers: [HTTPHeader]
  /// What is received beyond it are frames, or the body of a response that is no upgrade.
  public let byteCount: Int

  /// The value of the first field called `name`, the case of letters aside: `Location` of a
  /// redirect, say.
  public func header(named name: String) -> String? {
    headers.first { $0.name.equalsIgnoringCase(name) }?.value
  }
}

/// The status line (RFC 9112 §4). A sender must write the space behind the status code also if no
/// reason phrase follows; many do not, and the line can be read in one way only.
struct StatusLine: Sendable, Equatable {
  /// The digit after `HTTP/1.`.
  let minorVersion: Int
  let status: HTTPStatus
  let reasonPhrase: Range<Int>

  /// `range` is the line without its CRLF.
  init(_ bytes: RawSpan, in range: Range<Int>) throws(ResponseError) {
    let start = range.lowerBound
    guard range.count >= 12, bytes.equals("HTTP/", in: start..<start + 5),
      bytes[octet: start + 5].isDigit, bytes[octet: start + 6] == UInt8(ascii: "."),
      bytes[octet: start + 7].isDigit, bytes[octet: start + 8] == .space,
      range.count == 12 || bytes[octet: start + 12] == .space
    else { throw .malformedStatusLine }
    guard bytes[octet: start + 5] == UInt8(ascii: "1") else { throw .unsupportedHTTPVersion }
    var code = 0
    for index in start + 9..<start + 12 {
      guard bytes[octet: index].isDigit else { throw .malformedStatusLine }
      code = code * 10 + Int(bytes[octet: index] - UInt8(ascii: "0"))
    }
    // From 600 on a code is invalid, and to be taken for one from 500 to 599 (RFC 9110 §15).
    guard 100...999 ~= code else { throw .malformedStatusLine }
    minorVersion = Int(bytes[octet: start + 7] - UInt8(ascii: "0"))
    status = HTTPStatus(code)
    reasonPhrase = min(start + 13, range.upperBound)..<range.upperBound
  }
}
