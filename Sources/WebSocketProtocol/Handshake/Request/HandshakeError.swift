/// Why a request is refused. Each case knows the status that answers it.
public enum HandshakeError: Error, Sendable, Equatable {
  /// Not HTTP/1.1, or too large (RFC 9112 §2–§5).
  case malformedHead(HeadError)
  /// Not method, target and version with one space between (RFC 9112 §3).
  case malformedRequestLine
  /// RFC 9112 §3.2.
  case invalidTarget
  /// RFC 9110 §15.5.15.
  case targetTooLong
  /// Not HTTP/1.x (RFC 9110 §15.6.6).
  case unsupportedHTTPVersion
  /// RFC 9112 §3.2, RFC 6455 §4.2.1 item 2.
  case missingHost
  /// RFC 9112 §3.2.
  case repeatedHost
  /// RFC 9112 §3.2.
  case invalidHost
  /// No number, two different ones, or next to `Transfer-Encoding` (RFC 9112 §6.3).
  case invalidContentLength

  /// An upgrade that is no GET (RFC 6455 §4.2.1, item 1).
  case methodNotAllowed
  /// An upgrade by HTTP/1.0 (RFC 6455 §4.2.1, item 1).
  case upgradeByHTTP10
  /// A key, but no `Upgrade: websocket` (RFC 6455 §4.2.1, item 3).
  case missingUpgrade
  /// No `Connection: upgrade` (RFC 6455 §4.2.1, item 4).
  case missingConnectionUpgrade
  /// RFC 6455 §4.2.1, item 6, and §4.4.
  case unsupportedWebSocketVersion
  /// RFC 6455 §11.3.5.
  case repeatedWebSocketVersion
  /// RFC 6455 §4.2.1, item 5.
  case missingKey
  /// RFC 6455 §11.3.1.
  case repeatedKey
  /// Not base64 of 16 bytes (RFC 6455 §4.2.1, item 5).
  case invalidKey
  /// An upgrade with a body: its bytes would be read as frames.
  case bodyNotAllowed
  /// Two origins: a check of one of them would be none (RFC 6454 §7.3).
  case repeatedOrigin
  /// A subprotocol that is no token (RFC 6455 §4.1, item 10).
  case invalidSubprotocol
  /// RFC 6455 §9.1. Empty parameters and empty elements are passed over and are no error:
  /// `permessage-deflate;`, `a, , b`.
  case invalidExtensions

  /// The status that answers such a request.
  public var status: HTTPStatus {
    switch self {
    case .malformedHead(.tooLong), .malformedHead(.tooManyFields): .requestHeaderFieldsTooLarge
    case .targetTooLong: .uriTooLong
    case .unsupportedHTTPVersion: .httpVersionNotSupported
    case .methodNotAllowed: .methodNotAllowed
    case .upgradeByHTTP10, .missingUpgrade, .unsupportedWebSocketVersion: .upgradeRequired
    default: .badRequest
    }
  }

  /// What is wrong, in a few words.
  public var reason: String {
    switch self {
    case .malformedHead(let error): error.reason
    case .malformedRequestLine: "the request line is malformed"
    case .invalidTarget: "the request target is invalid"
    case .targetTooLong: "the request target is too long"
    case .unsupportedHTTPVersion: "only HTTP/1.1 is spoken here"
    case .missingHost: "Host is missing"
    case .repeatedHost: "Host is repeated"
    case .invalidHost: "Host is invalid"
    case .invalidContentLength: "Content-Length is invalid"
    case .methodNotAllowed: "a WebSocket is opened with GET"
    case .upgradeByHTTP10: "a WebSocket needs HTTP/1.1"
    case .missingUpgrade: "Upgrade must name websocket"
    case .missingConnectionUpgrade: "Connection must name upgrade"
    case .unsupportedWebSocketVersion: "Sec-WebSocket-Version must be 13"
    case .repeatedWebSocketVersion: "Sec-WebSocket-Version is repeated"
    case .missingKey: "Sec-WebSocket-Key is missing"
    case .repeatedKey: "Sec-WebSocket-Key is repeated"
    case .invalidKey: "Sec-WebSocket-Key must be 16 bytes in base64"
    case .bodyNotAllowed: "a WebSocket is opened without a body"
    case .repeatedOrigin: "Origin is repeated"
    case .invalidSubprotocol: "Sec-WebSocket-Protocol must be a list of tokens"
    case .invalidExtensions: "Sec-WebSocket-Extensions is malformed"
    }
  }

  /// The answer to send before the connection ends: the status, and the reason as plain text.
  public var response: HTTPResponse {
    HTTPResponse(status: status, text: reason + "\n")
  }
}

extension HandshakeError: CustomStringConvertible {
  /// What is wrong and whose mistake it is, in whole sentences.
  public var description: String {
    if case .malformedHead(let error) = self { return "\(error)" }
    return
      "The request is refused with \(status.code): \(reason). The mistake is the client's, or that "
      + "of a proxy in front of this server."
  }
}
