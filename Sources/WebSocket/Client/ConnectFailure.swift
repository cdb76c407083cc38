public import Reactor
public import WebSocketProtocol

/// Why an attempt to connect has failed.
public enum ConnectFailure: Error, Sendable, Equatable {
  /// The name could not be resolved, or the connection not be made: refused, unreachable, no
  /// descriptor, …. Of several addresses, the last one's error.
  case system(SystemError)
  /// `connectTimeoutMilliseconds` are over.
  case timeout
  /// The server has answered otherwise than with 101: with a redirect, which is not followed, a
  /// demand to authenticate, a refusal.
  case refused(ResponseHead)
  /// The answer is none to an opening handshake (RFC 6455 §4.1).
  case invalidResponse(ResponseError)
  /// The server has closed the connection without an answer.
  case closed
  /// `Dial.cancel` was called.
  case cancelled
  /// The client has stopped.
  case stopped
}

extension ConnectFailure: CustomStringConvertible {
  /// What happened, and what can be done about it, in one line.
  public var description: String {
    switch self {
    case .system(let error): "The connection could not be made: \(error)"
    case .timeout:
      "The connection was not open within connectTimeoutMilliseconds. Check the address, and that the "
        + "server answers; or raise that limit."
    case .refused(let head): head.refusal
    case .invalidResponse(let error): "\(error)"
    case .closed:
      "The server closed the connection without an answer. It may be no WebSocket server, or a proxy may "
        + "have lost it."
    case .cancelled: "The dial was cancelled."
    case .stopped: "The client has stopped, and makes no more connections."
    }
  }
}

extension ResponseHead {
  /// The longest text of the server's that is shown.
  private static let shownCharacterCount = 100

  fileprivate var refusal: String {
    let text =
      "The server refused the opening handshake: \(status.code) \(Self.shown(reasonPhrase))"
    if 300..<400 ~= status.code, let location = header(named: "Location") {
      return "\(text). It names another place, which is not followed: \(Self.shown(location))"
    }
    if status == .unauthorized, let demand = header(named: "WWW-Authenticate") {
      return "\(text). It wants to know who asks: \(Self.shown(demand))"
    }
    return text
  }

  /// The beginning of a text of the server's, in one line.
  private static func shown(_ text: String) -> String {
    let printable = text.unicodeScalars.filter { !$0.properties.isWhitespace || $0 == " " }
    let line = printable.filter { $0.properties.generalCategory != .control }
    return String(String(String.UnicodeScalarView(line)).prefix(shownCharacterCount))
  }
}
