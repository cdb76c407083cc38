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
  /// Nothing came from the peer for `ServerConfiguration.idleTimeoutMilliseconds`.
  case idleTimeout
  /// The peer did not answer our close frame within `ServerConfiguration.closeTimeoutMilliseconds`.
  case closeTimeout
  /// The peer read so slowly that its queue overflowed, and the policy is to close.
  case queueOverflow
  /// The peer read so slowly that it lagged too far behind a topic, and the policy is to close.
  case topicLag
}
