/// One header field as text. It holds no line break, so it cannot smuggle in another field.
public struct HTTPHeader: Sendable, Equatable {
  /// A token, as it was written: the case of letters means nothing (RFC 9110 §5.1).
  public let name: String
  /// What it says. One that was received is without the blanks around it.
  public let value: String

  /// Throws `.invalidName` unless `name` is a token, `.invalidValue` if `value` holds a control
  /// character other than tab (RFC 9110 §5.1, §5.5).
  public init(_ name: String, _ value: String) throws(HandshakeFieldError) {
    guard name.isToken else { throw .invalidName }
    guard value.utf8.allSatisfy(\.isFieldOctet) else { throw .invalidValue }
    self.init(unchecked: name, value)
  }

  init(unchecked name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  func append(to bytes: inout [UInt8]) {
    bytes.append(contentsOf: name.utf8)
    bytes.append(contentsOf: ": ".utf8)
    bytes.append(contentsOf: value.utf8)
    bytes.append(contentsOf: "\r\n".utf8)
  }
}

/// The fields that a program adds to a request or a response, in their order. A name may come
/// more than once, as `Set-Cookie` does.
public struct HTTPHeaders: Sendable, Equatable {
  /// All of them, as they were added.
  public private(set) var fields: [HTTPHeader] = []

  /// No fields.
  public init() {}

  /// Throws as `HTTPHeader` does, and `.reservedName` for the fields that belong to the handshake
  /// or to the framing: `Connection`, `Upgrade`, `Host`, `Origin`, `Content-Length`,
  /// `Transfer-Encoding` and `Sec-WebSocket-…`.
  public mutating func add(_ name: String, _ value: String) throws(HandshakeFieldError) {
    if Self.isReserved(name) { throw .reservedName }
    fields.append(try HTTPHeader(name, value))
  }

  /// The value of the first field called `name`, the case of letters aside.
  public subscript(name: String) -> String? {
    fields.first { $0.name.equalsIgnoringCase(name) }?.value
  }

  func append(to bytes: inout [UInt8]) {
    for field in fields { field.append(to: &bytes) }
  }

  /// Appends the `Date` field, unless one is among these.
  func append(_ date: HTTPDate?, to bytes: inout [UInt8]) {
    if let date, self["date"] == nil { date.append(to: &bytes) }
  }

  private static func isReserved(_ name: String) -> Bool {
    let reserved = [
      "connection", "upgrade", "host", "origin", "content-length", "transfer-encoding",
    ]
    return reserved.contains { $0.equalsIgnoringCase(name) }
      || String(name.prefix("sec-websocket-".count)).equalsIgnoringCase("sec-websocket-")
  }
}

/// What a program gave that cannot be written into a handshake.
public enum HandshakeFieldError: Error, Sendable, Equatable {
  /// A field name that is no token.
  case invalidName
  /// A field value with a line break or another control character.
  case invalidValue
  /// A field that the handshake itself writes.
  case reservedName
  /// A URL that does not begin with `ws://`.
  case invalidScheme
  /// A URL that begins with `wss://`: this version has no TLS.
  case tlsUnsupported
  /// A port that is none from 1 to 65,535.
  case invalidPort
  /// A host that is not `name`, `name:port`, `[address]` or `[address]:port`.
  case invalidHost
  /// A request target that does not begin with a slash, or holds a space, a fragment or a
  /// character that is not ASCII.
  case invalidTarget
  /// A subprotocol that is no token, or is named twice (RFC 6455 §4.1, item 10).
  case invalidSubprotocol
  /// An extension whose name, parameter or value is no token (RFC 6455 §9.1).
  case invalidExtension
}

extension HandshakeFieldError: CustomStringConvertible {
  /// What is wrong, in whole sentences.
  public var description: String {
    switch self {
    case .invalidName:
      "The name of a header field is not a token. Use letters, digits and hyphens (RFC 9110 §5.1)."
    case .invalidValue:
      "The value of a header field holds a line break or another control character. Encode it, or leave "
        + "it out."
    case .reservedName:
      "A header field belongs to the handshake, which writes it itself. For the subprotocol and the "
        + "origin there are options of their own."
    case .invalidScheme: "The URL does not begin with ws://. Write it as ws://host:port/path?query."
    case .tlsUnsupported:
      "The URL begins with wss://, but this version has no TLS. Connect with ws://, or to a proxy that "
        + "speaks TLS to the server."
    case .invalidPort: "The port of the URL is not a number from 1 to 65535."
    case .invalidHost:
      "The host of the URL is not a name, an IPv4 address or an IPv6 address in brackets. User names and "
        + "passwords are not allowed."
    case .invalidTarget:
      "The path and query of the URL hold a space, a fragment or a character that is not ASCII. "
        + "Percent-encode such characters, and leave the fragment out."
    case .invalidSubprotocol:
      "A subprotocol is not a token, or is named twice. Name each once, in letters, digits and hyphens."
    case .invalidExtension:
      "The name, a parameter or a value of an extension is not a token (RFC 6455 §9.1)."
    }
  }
}

extension String {
  var isToken: Bool { !isEmpty && utf8.allSatisfy(\.isTokenOctet) }

  func equalsIgnoringCase(_ other: String) -> Bool {
    utf8.count == other.utf8.count
      && zip(utf8, other.utf8).allSatisfy { $0.lowercased == $1.lowercased }
  }
}
