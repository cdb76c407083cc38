/// The opening handshake that a client sends (RFC 6455 §4.1).
public struct UpgradeRequestBuilder: Sendable, Equatable {
  /// `name`, `name:port`, `[address]` or `[address]:port`, without the port if it is the scheme's
  /// default.
  public let host: String
  /// Path and query, percent-encoded: `/chat?room=1`.
  public let target: String
  /// To be fresh for each request: what the server's answer must fit.
  public let key: HandshakeKey
  /// Most wanted first.
  public let subprotocols: [String]
  /// Most wanted first.
  public let extensions: [WebSocketExtension]
  /// Only for a client that speaks for a web page.
  public let origin: String?
  /// Fields besides those of the handshake, behind them.
  public var headers: HTTPHeaders

  /// Throws if a value could not be written without changing what the request says.
  public init(
    host: String, target: String = "/", key: HandshakeKey, subprotocols: [String] = [],
    extensions: [WebSocketExtension] = [], origin: String? = nil,
    headers: HTTPHeaders = HTTPHeaders()
  ) throws(HandshakeFieldError) {
    guard Self.isHost(host) else { throw .invalidHost }
    guard Self.isTarget(target) else { throw .invalidTarget }
    guard subprotocols.allSatisfy(\.isToken), Set(subprotocols).count == subprotocols.count else {
      throw .invalidSubprotocol
    }
    guard extensions.allSatisfy(\.isValid) else { throw .invalidExtension }
    guard origin?.utf8.allSatisfy(\.isVisible) ?? true else { throw .invalidValue }
    self.host = host
    self.target = target
    self.key = key
    self.subprotocols = subprotocols
    self.extensions = extensions
    self.origin = origin
    self.headers = headers
  }

  /// Appends the request as it goes to the server.
  public func append(to bytes: inout [UInt8]) {
    bytes.append(
      contentsOf: """
        GET \(target) HTTP/1.1\r
        Host: \(host)\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Version: 13\r\n
        """.utf8)
    bytes.append(contentsOf: "Sec-WebSocket-Key: ".utf8)
    for index in key.characters.indices { bytes.append(key.characters[index]) }
    bytes.append(contentsOf: "\r\n".utf8)
    if let origin { bytes.append(contentsOf: "Origin: \(origin)\r\n".utf8) }
    if !subprotocols.isEmpty {
      let list = subprotocols.joined(separator: ", ")
      bytes.append(contentsOf: "Sec-WebSocket-Protocol: \(list)\r\n".utf8)
    }
    WebSocketExtension.append(extensions, to: &bytes)
    headers.append(to: &bytes)
    bytes.append(contentsOf: "\r\n".utf8)
  }

  private static func isHost(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    let span = bytes.span
    return HostSyntax.isHost(RawSpan(_elements: span), in: 0..<span.count)
  }

  private static func isTarget(_ text: String) -> Bool {
    text.utf8.first == UInt8(ascii: "/")
      && text.utf8.allSatisfy { $0.isVisible && $0 != UInt8(ascii: "#") }
  }
}
