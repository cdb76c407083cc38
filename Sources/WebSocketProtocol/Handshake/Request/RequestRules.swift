/// What a request must and must not be (RFC 9112 §3.2, §6; RFC 6455 §4.2.1).
extension HTTPRequest {
  func checkedKind() throws(HandshakeError) -> RequestKind {
    try checkHost()
    try checkBody()
    let namesWebSocket = fields.list("upgrade", contains: "websocket")
    guard namesWebSocket || fields.index(of: "sec-websocket-key") != nil else { return .plain }
    guard isGET else { throw .methodNotAllowed }
    guard minorVersion >= 1 else { throw .upgradeByHTTP10 }
    guard namesWebSocket else { throw .missingUpgrade }
    guard fields.list("connection", contains: "upgrade") else { throw .missingConnectionUpgrade }
    // Before the key: older drafts have another key, and are told which version to speak.
    try checkVersion()
    let key = try checkedKey()
    if declaresBody { throw .bodyNotAllowed }
    if fields.occurrence(of: "origin") == .repeated { throw .repeatedOrigin }
    try checkSubprotocols()
    try checkExtensions()
    return .upgrade(key)
  }

  private func checkHost() throws(HandshakeError) {
    switch fields.occurrence(of: "host") {
    case .once(let host):
      // Empty if the target has no authority (RFC 9112 §3.2), as health checks send it.
      guard host.isEmpty || HostSyntax.isHost(fields.bytes, in: host) else { throw .invalidHost }
    case .repeated: throw .repeatedHost
    case .missing where minorVersion >= 1: throw .missingHost
    // HTTP/1.0 knows requests without it.
    case .missing: return
    }
  }

  /// RFC 9112 §6.3: a request whose length can be read in two ways is an attack or a mistake.
  private func checkBody() throws(HandshakeError) {
    switch fields.occurrence(of: "content-length") {
    case .once(let length):
      guard 1...18 ~= length.count, length.allSatisfy({ fields.bytes[octet: $0].isDigit }),
        fields.index(of: "transfer-encoding") == nil
      else { throw .invalidContentLength }
    case .repeated: throw .invalidContentLength
    case .missing: return
    }
  }

  private func checkVersion() throws(HandshakeError) {
    switch fields.occurrence(of: "sec-websocket-version") {
    case .once(let version) where fields.bytes.equals("13", in: version): return
    case .repeated: throw .repeatedWebSocketVersion
    case .once, .missing: throw .unsupportedWebSocketVersion
    }
  }

  private func checkedKey() throws(HandshakeError) -> HandshakeKey {
    switch fields.occurrence(of: "sec-websocket-key") {
    case .once(let value):
      guard let key = HandshakeKey(fields.bytes.extracting(value)) else { throw .invalidKey }
      return key
    case .repeated: throw .repeatedKey
    case .missing: throw .missingKey
    }
  }

  private func checkSubprotocols() throws(HandshakeError) {
    var elements = fields.elements(of: "sec-websocket-protocol")
    while let element = elements.next(in: fields) {
      guard fields.bytes.isToken(in: element) else { throw .invalidSubprotocol }
    }
  }

  private func checkExtensions() throws(HandshakeError) {
    guard WebSocketExtension.areValid(in: fields) else { throw .invalidExtensions }
  }
}
