/// Why a connection is closed (RFC 6455 §7.4, and the IANA registry that it founded).
public struct CloseCode: RawRepresentable, Hashable, Sendable {
  /// The number as it is on the wire.
  public let rawValue: UInt16

  /// Any number: `isValidOnWire` tells whether a close frame may carry it.
  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// Whether a close frame may carry the code: what the registry assigns, except for the codes
  /// that stand for something no frame says, and the ranges for libraries and applications.
  public var isValidOnWire: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }

  /// The code for a close frame that is to pass this one on, as a relay does: the code itself if a
  /// close frame may carry it. Nil, which is a close frame without a code, for 1005. 1011 for all
  /// others: 1006 and 1015 stand for a connection that failed, and the rest means nothing.
  public var forWire: CloseCode? {
    if isValidOnWire { return self }
    return self == .noStatusReceived ? nil : .internalError
  }

  /// The purpose of the connection is fulfilled.
  public static let normalClosure = CloseCode(rawValue: 1000)
  /// A server goes down, or a browser leaves the page.
  public static let goingAway = CloseCode(rawValue: 1001)
  /// The peer broke the protocol (RFC 6455 §7.4.1).
  public static let protocolError = CloseCode(rawValue: 1002)
  /// A kind of data that the endpoint cannot accept, such as binary where it understands text.
  public static let unsupportedData = CloseCode(rawValue: 1003)
  /// Stands for a close frame without a code. Never on the wire.
  public static let noStatusReceived = CloseCode(rawValue: 1005)
  /// Stands for a connection that ended without a close frame. Never on the wire.
  public static let abnormalClosure = CloseCode(rawValue: 1006)
  /// Data that is not what its message says, such as text that is not UTF-8.
  public static let invalidPayloadData = CloseCode(rawValue: 1007)
  /// A message violates the receiver's policy, whatever that is (RFC 6455 §7.4.1).
  public static let policyViolation = CloseCode(rawValue: 1008)
  /// A message is too long for the receiver (RFC 6455 §7.4.1).
  public static let messageTooBig = CloseCode(rawValue: 1009)
  /// A client misses an extension in the server's handshake.
  public static let mandatoryExtension = CloseCode(rawValue: 1010)
  /// The server has met something unexpected (RFC 6455 §7.4.1).
  public static let internalError = CloseCode(rawValue: 1011)
  /// The server restarts (IANA's registry of close codes).
  public static let serviceRestart = CloseCode(rawValue: 1012)
  /// The server is overloaded: try again later (IANA's registry of close codes).
  public static let tryAgainLater = CloseCode(rawValue: 1013)
  /// A gateway has got an invalid answer (IANA's registry of close codes).
  public static let badGateway = CloseCode(rawValue: 1014)
  /// Stands for a TLS handshake that failed. Never on the wire.
  public static let tlsHandshake = CloseCode(rawValue: 1015)
}
