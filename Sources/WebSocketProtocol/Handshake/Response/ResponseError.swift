/// Why a client must not go on with a connection after the server's response (RFC 6455 §4.1).
public enum ResponseError: Error, Sendable, Equatable {
  /// Not HTTP/1.1, or too large (RFC 9112 §2–§5).
  case malformedHead(HeadError)
  /// Not version, three digits and, behind a space, a reason phrase (RFC 9112 §4). The space may be
  /// missing where the line ends with it.
  case malformedStatusLine
  /// Not HTTP/1.x, or an upgrade by HTTP/1.0.
  case unsupportedHTTPVersion
  /// `Upgrade` is not `websocket` (§4.1, item 2).
  case invalidUpgrade
  /// `Connection` does not name `upgrade` (§4.1, item 3).
  case invalidConnection
  /// `Sec-WebSocket-Accept` is missing, repeated, or not the answer to the key (§4.1, item 4).
  case invalidAccept
  /// An extension that was not offered, or malformed (§4.1, item 5).
  case unexpectedExtension
  /// A subprotocol that was not offered, or more than one (§4.1, item 6).
  case unexpectedSubprotocol

  /// What is wrong, in a few words.
  public var reason: String {
    switch self {
    case .malformedHead(let error): error.reason
    case .malformedStatusLine: "the status line is malformed"
    case .unsupportedHTTPVersion: "the response is not HTTP/1.1"
    case .invalidUpgrade: "Upgrade is not websocket"
    case .invalidConnection: "Connection does not name upgrade"
    case .invalidAccept: "Sec-WebSocket-Accept is not the answer to the key"
    case .unexpectedExtension: "an extension that was not offered"
    case .unexpectedSubprotocol: "a subprotocol that was not offered"
    }
  }
}

extension ResponseError: CustomStringConvertible {
  /// What is wrong, in whole sentences.
  public var description: String {
    switch self {
    case .malformedHead(let error): "\(error)"
    case .unexpectedExtension, .unexpectedSubprotocol:
      "The server's response opens no WebSocket: it has chosen \(reason). The mistake is the server's."
    default:
      "The server's response opens no WebSocket: \(reason). Check that the URL names a WebSocket server, "
        + "and its port and path."
    }
  }
}
