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
    if fields.count(of: "origin") > 1 { throw .repeatedOrigin }
    try checkSubprotocols()
    try checkExtensions()
    return .upgrade(key)
  }

  private func checkHost() throws(HandshakeError) {
    guard let host = fields.value(of: "host") else {
      // Only HTTP/1.0 knows requests without it.
      if minorVersion == 0 { return }
      throw .missingHost
    }
    if fields.count(of: "host") > 1 { throw .repeatedHost }
    guard HostSyntax.isHost(fields.bytes, in: host) else { throw .invalidHost }
  }

  /// RFC 9112 §6.3: a request whose length can be read in two ways is an attack or a mistake.
  private func checkBody() throws(HandshakeError) {
    guard let first = fields.value(of: "content-length") else { return }
    guard !first.isEmpty, first.count <= 18,
      first.allSatisfy({ fields.bytes[octet: $0].isDigit }),
      fields.count(of: "content-length") == 1,
      fields.index(of: "transfer-encoding") == nil
    else { throw .invalidContentLength }
  }

  private func checkVersion() throws(HandshakeError) {
    if fields.count(of: "sec-websocket-version") > 1 { throw .repeatedWebSocketVersion }
    guard let version = fields.value(of: "sec-websocket-version"),
      fields.bytes.equals("13", in: version)
    else { throw .unsupportedWebSocketVersion }
  }

  private func checkedKey() throws(HandshakeError) -> HandshakeKey {
    guard let value = fields.value(of: "sec-websocket-key") else { throw .missingKey }
    if fields.count(of: "sec-websocket-key") > 1 { throw .repeatedKey }
    guard let key = HandshakeKey(fields.bytes.extracting(value)) else { throw .invalidKey }
    return key
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
