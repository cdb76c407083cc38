public import Reactor
public import WebSocketProtocol

/// Why an attempt to connect has failed.
public enum ConnectFailure: Error, Sendable, Equatable {
  /// The name could not be resolved: the resolver's answer, whose code is one of getaddrinfo(3),
  /// or why it could not be asked.
  case unresolved(SystemError)
  /// The connection could not be made: refused, no route, no descriptor, …. Of several addresses,
  /// the last error, unless it says only that there is no way to an address and another one had an
  /// answer.
  case system(SystemError)
  /// `connectTimeoutMilliseconds` are over.
  case timeout
  /// The server has answered otherwise than with 101: with a redirect, which is not followed, a
  /// demand to authenticate, a refusal. With the start of what its body says.
  case refused(Refusal)
  /// The answer is none to an opening handshake (RFC 6455 §4.1).
  case invalidResponse(ResponseError)
  /// The server has closed the connection without a whole answer.
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
    case .unresolved(let error), .system(let error): "The connection could not be made: \(error)"
    case .timeout:
      "The connection was not open within connectTimeoutMilliseconds. Check the address, and that the "
        + "server answers; or raise that limit."
    case .refused(let refusal): "The server refused the opening handshake: \(refusal)"
    case .invalidResponse(let error): "\(error)"
    case .closed:
      "The server closed the connection without a whole answer. It may be no WebSocket server, or a proxy may "
        + "have lost it."
    case .cancelled: "The dial was cancelled."
    case .stopped: "The client has stopped, and makes no more connections."
    }
  }
}
