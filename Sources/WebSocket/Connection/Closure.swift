public import Reactor
public import WebSocketProtocol

/// How a connection ended.
public struct Closure: Sendable, Equatable {
  /// The code of the peer's close frame; 1005: it had none; 1006: the peer sent no close frame (RFC
  /// 6455 §7.1.5).
  public let code: CloseCode
  /// The reason in the peer's close frame.
  public let reason: String
  /// Both ends have sent a close frame (RFC 6455 §7.1.4).
  public let isClean: Bool
  /// What failed, if the connection was not ended by either end.
  public let error: ConnectionError?
}

/// Why a connection failed.
public enum ConnectionError: Error, Sendable, Equatable {
  /// The peer broke a rule of the protocol, and has been told so.
  case protocolError(ProtocolError)
  /// The operating system ended it: reset, timed out, …
  case system(SystemError)
  /// Nothing came from the peer for `ServerConfiguration.idleTimeoutMilliseconds`, and it took nothing.
  case idleTimeout
  /// The peer did not answer our close frame within `ServerConfiguration.closeTimeoutMilliseconds`, or
  /// did not take it.
  case closeTimeout
  /// The peer read so slowly that its queue overflowed, and the policy is to close.
  case queueOverflow
  /// The peer read so slowly that it lagged too far behind a topic, and the policy is to close.
  case topicLag
}

extension ConnectionError: CustomStringConvertible {
  /// What happened, and what can be done about it.
  public var description: String {
    switch self {
    case .protocolError(let error): "\(error)"
    case .system(let error): "The connection was lost: \(error)"
    case .idleTimeout:
      "Nothing was heard of the peer for idleTimeoutMilliseconds, so the connection was ended. If the "
        + "peer is only slow, raise that limit."
    case .closeTimeout:
      "The peer did not answer our close frame within closeTimeoutMilliseconds, or took nothing of what "
        + "stands before it for sendTimeoutMilliseconds. If the peer is only slow, raise that limit."
    case .queueOverflow:
      "The peer reads too slowly: more waited to be sent to it than QueueLimits.byteCountMax allows. "
        + "Raise that limit, send less, or choose another QueueLimits.overflow than close."
    case .topicLag:
      "The peer reads too slowly: it lagged further behind a topic than its LagPolicy allows. Raise that "
        + "limit, publish less, or choose another LagPolicy than close."
    }
  }
}
