/// The response that opens a WebSocket (RFC 6455 §4.2.2, item 5). Frames follow it.
public struct UpgradeResponse: Sendable, Equatable {
  /// What the client's key demands.
  public let accept: AcceptKey
  /// One that the client has offered; nil for none.
  public let subprotocol: String?
  /// Those of the client's offers that the server has chosen.
  public let extensions: [WebSocketExtension]
  /// Fields besides those of the handshake, behind them.
  public var headers: HTTPHeaders

  /// Throws `.invalidSubprotocol` or `.invalidExtension` if those are no tokens.
  public init(
    for key: HandshakeKey, subprotocol: String? = nil, extensions: [WebSocketExtension] = [],
    headers: HTTPHeaders = HTTPHeaders()
  ) throws(HandshakeFieldError) {
    guard subprotocol?.isToken ?? true else { throw .invalidSubprotocol }
    guard extensions.allSatisfy(\.isValid) else { throw .invalidExtension }
    accept = key.accept
    self.subprotocol = subprotocol
    self.extensions = extensions
    self.headers = headers
  }

  /// Appends the response as it goes to the client.
  ///
  /// - Parameters:
  ///   - bytes: what it is appended to.
  ///   - date: the time at which the response is made, which a server with a clock has to tell
  ///     (RFC 9110 §6.6.1). A `Date` among `headers` takes its place.
  public func append(to bytes: inout [UInt8], date: HTTPDate? = nil) {
    bytes.append(contentsOf: "HTTP/1.1 101 Switching Protocols\r\n".utf8)
    headers.append(date, to: &bytes)
    bytes.append(
      contentsOf: """
        Upgrade: websocket\r
        Connection: Upgrade\r\n
        """.utf8)
    bytes.append(contentsOf: "Sec-WebSocket-Accept: ".utf8)
    for index in accept.characters.indices { bytes.append(accept.characters[index]) }
    bytes.append(contentsOf: "\r\n".utf8)
    if let subprotocol {
      bytes.append(contentsOf: "Sec-WebSocket-Protocol: \(subprotocol)\r\n".utf8)
    }
    WebSocketExtension.append(extensions, to: &bytes)
    headers.append(to: &bytes)
    bytes.append(contentsOf: "\r\n".utf8)
  }
}
