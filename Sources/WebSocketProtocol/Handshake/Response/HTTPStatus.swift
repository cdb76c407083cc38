/// A status code of HTTP (RFC 9110 §15).
public struct HTTPStatus: Sendable, Equatable, Hashable {
  /// Three digits.
  public let code: Int

  /// A code from 100 to 999. Another one is a programmer's error, which ends the process with a text
  /// that says so.
  public init(_ code: Int) {
    guard 100...999 ~= code else { misuse("An HTTPStatus is \(code). It must have three digits.") }
    self.code = code
  }

  /// 101: the connection is a WebSocket from now on.
  public static let switchingProtocols = HTTPStatus(101)
  /// 200: here is what was asked for.
  public static let ok = HTTPStatus(200)
  /// 400: the request is malformed, or no handshake where one was expected.
  public static let badRequest = HTTPStatus(400)
  /// 401: who asks has to say who it is.
  public static let unauthorized = HTTPStatus(401)
  /// 403: not allowed, whoever asks.
  public static let forbidden = HTTPStatus(403)
  /// 404: there is no such thing.
  public static let notFound = HTTPStatus(404)
  /// 405: not with this method.
  public static let methodNotAllowed = HTTPStatus(405)
  /// 408: the request took too long to arrive.
  public static let requestTimeout = HTTPStatus(408)
  /// 414: the request target is too long.
  public static let uriTooLong = HTTPStatus(414)
  /// 426: only for a WebSocket of a version that the response names (RFC 6455 §4.4).
  public static let upgradeRequired = HTTPStatus(426)
  /// 429: too many in some time (RFC 6585 §4).
  public static let tooManyRequests = HTTPStatus(429)
  /// 431: the head is too large, or has too many fields (RFC 6585 §5).
  public static let requestHeaderFieldsTooLarge = HTTPStatus(431)
  /// 500: the server's own fault.
  public static let internalServerError = HTTPStatus(500)
  /// 503: for the time being.
  public static let serviceUnavailable = HTTPStatus(503)
  /// 505: not this version of HTTP.
  public static let httpVersionNotSupported = HTTPStatus(505)

  /// Empty for a code that is not listed here.
  public var reasonPhrase: String {
    switch code {
    case 101: "Switching Protocols"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 421: "Misdirected Request"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }

  /// A response with this status never has a body (RFC 9110 §6.4.1).
  var excludesBody: Bool { code == 204 || code == 304 }

  func appendLine(to bytes: inout [UInt8]) {
    bytes.append(contentsOf: "HTTP/1.1 ".utf8)
    bytes.append(contentsOf: String(code).utf8)
    bytes.append(.space)
    bytes.append(contentsOf: reasonPhrase.utf8)
    bytes.append(contentsOf: "\r\n".utf8)
  }
}
