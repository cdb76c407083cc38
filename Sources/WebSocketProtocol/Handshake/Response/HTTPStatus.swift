/// A status code of HTTP (RFC 9110 §15).
public struct HTTPStatus: Sendable, Equatable, Hashable {
  /// Three digits.
  public let code: Int

  public init(_ code: Int) {
    precondition(100...999 ~= code, "a status code has three digits")
    self.code = code
  }

  public static let switchingProtocols = HTTPStatus(101)
  public static let ok = HTTPStatus(200)
  public static let badRequest = HTTPStatus(400)
  public static let unauthorized = HTTPStatus(401)
  public static let forbidden = HTTPStatus(403)
  public static let notFound = HTTPStatus(404)
  public static let methodNotAllowed = HTTPStatus(405)
  public static let requestTimeout = HTTPStatus(408)
  public static let uriTooLong = HTTPStatus(414)
  public static let upgradeRequired = HTTPStatus(426)
  public static let tooManyRequests = HTTPStatus(429)
  public static let requestHeaderFieldsTooLarge = HTTPStatus(431)
  public static let internalServerError = HTTPStatus(500)
  public static let serviceUnavailable = HTTPStatus(503)
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
