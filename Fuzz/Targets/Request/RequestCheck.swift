import WebSocketProtocol

/// A second look at a request that was accepted. It shares no code with `RequestParser`.
struct RequestCheck {
  private let head: PlainHead
  private let method: [UInt8]
  private let target: [UInt8]
  private let version: [UInt8]

  /// RFC 9112 §3: three parts with one space between; §2.2: empty lines in front of them mean
  /// nothing.
  init(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while rest.starts(with: "\r\n".utf8) { rest = rest.dropFirst(2) }
    head = PlainHead(Array(rest))
    let parts = head.firstLine.split(
      separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    promise("a request line has three parts", parts.count, equals: 3)
    (method, target, version) = (Array(parts[0]), Array(parts[1]), Array(parts[2]))
    promise("a method is a token", PlainHead.isToken(method))
    let versions = (0...9).map { Array("HTTP/1.\($0)".utf8) }
    promise("it is HTTP/1", versions.contains(version))
    promise(
      "a target is visible ASCII without a fragment",
      !target.isEmpty && target.allSatisfy { (33...126).contains($0) && $0 != UInt8(ascii: "#") })
  }

  /// The view of the request shows what is there.
  func check(_ request: borrowing HTTPRequest, limits: HandshakeLimits) {
    promise("method", Array(request.method.utf8), equals: method)
    promise("target", Array(request.target.utf8), equals: target)
    promise("target is bounded", target.count <= limits.targetByteCountMax)
    promise("version", Array("HTTP/1.\(request.minorVersion)".utf8), equals: version)
    promise("GET", request.isGET, equals: method == Array("GET".utf8))
    promise("HEAD", request.isHEAD, equals: method == Array("HEAD".utf8))
    checkTarget(of: request)
    checkFields(of: request, limits: limits)
    checkHost(of: request)
    checkBody(of: request)
  }

  /// RFC 9112 §3.2: path and query, a URI with a host, or the asterisk of OPTIONS.
  private func checkTarget(of request: borrowing HTTPRequest) {
    var text = PlainHead.text(target)
    if target == Array("*".utf8) {
      promise("the asterisk is for OPTIONS", method, equals: Array("OPTIONS".utf8))
    } else if target.first != UInt8(ascii: "/") {
      let schemes = ["http://", "https://", "ws://", "wss://"]
      let scheme = schemes.first { text.lowercased().hasPrefix($0) }
      promise("a URI has a scheme of ours", scheme != nil)
      let rest = text.dropFirst(scheme?.count ?? 0)
      let authority = rest.prefix { $0 != "/" && $0 != "?" }
      promise("a URI has a host", isHost(Array(authority.utf8)))
      promise("its host goes first", request.host, equals: String(authority))
      text = String(rest.dropFirst(authority.count))
    }
    let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].isEmpty ? "/" : parts[0]
    promise("path", request.path[...], equals: path)
    promise("has that path", request.hasPath(String(path)))
    promise("query", request.query, equals: parts.count == 2 ? String(parts[1]) : nil)
    checkQuery(of: request)
  }

  /// Every name in the query finds a value, and what is made of it is text.
  private func checkQuery(of request: borrowing HTTPRequest) {
    for item in (request.query ?? "").split(separator: "&").prefix(8) {
      let name = item.prefix { $0 != "=" }
      guard !name.contains("%"), !name.contains("+") else { continue }
      promise("a query item is found by its name", request.queryItem(named: String(name)) != nil)
    }
    _ = request.queryItem(named: "")
  }

  private func checkFields(of request: borrowing HTTPRequest, limits: HandshakeLimits) {
    promise("number of fields", request.headerCount, equals: head.fields.count)
    promise("fields are bounded", head.fields.count <= limits.headerCountMax)
    let headers = request.headers
    for (index, field) in head.fields.enumerated() {
      let name = PlainHead.text(field.name)
      promise("name", headers[index].name, equals: name)
      promise("value", headers[index].value, equals: PlainHead.text(field.value))
      let values = head.values(of: PlainHead.text(PlainHead.lowercased(field.name)))
      promise("values", request.headers(named: name), equals: values.map { PlainHead.text($0) })
      promise("first value", request.header(named: name), equals: PlainHead.text(values[0]))
      let elements = head.elements(of: PlainHead.text(PlainHead.lowercased(field.name)))
      promise(
        "elements", request.listElements(named: name), equals: elements.map { PlainHead.text($0) })
    }
  }

  /// RFC 9112 §3.2.
  private func checkHost(of request: borrowing HTTPRequest) {
    let hosts = head.values(of: "host")
    promise("at most one host", hosts.count <= 1)
    promise("a host, but for HTTP/1.0", hosts.count == 1 || request.minorVersion == 0)
    for host in hosts { promise("Host holds a host or nothing", host.isEmpty || isHost(host)) }
  }

  /// RFC 3986 §3.2.2 and §3.2.3, with a name that is not empty.
  private func isHost(_ bytes: [UInt8]) -> Bool {
    let text = PlainHead.text(bytes)
    let isLiteral = text.hasPrefix("[")
    let nameEnd = isLiteral ? text.firstIndex(of: "]").map { text.index(after: $0) } : nil
    let colon = text[(nameEnd ?? text.startIndex)...].firstIndex(of: ":")
    let name = text[..<(colon ?? text.endIndex)]
    let port = colon.map { text[$0...].dropFirst() } ?? ""
    let octets = Set(
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!$&'()*+,;=%".utf8)
    let isName =
      isLiteral
      ? name.count > 2 && name.hasSuffix("]")
        && name.dropFirst().dropLast().utf8.allSatisfy { octets.contains($0) || $0 == 58 }
      : !name.isEmpty && name.utf8.allSatisfy(octets.contains)
    return isName && port.utf8.allSatisfy { (48...57).contains($0) }
  }

  /// RFC 9112 §6: where the request ends can be read in one way only.
  private func checkBody(of request: borrowing HTTPRequest) {
    let lengths = head.values(of: "content-length")
    let isEncoded = !head.values(of: "transfer-encoding").isEmpty
    promise("at most one length", lengths.count <= 1)
    promise("a length or an encoding", lengths.isEmpty || !isEncoded)
    let length = lengths.first.map { Int(PlainHead.text($0)) }
    if let length {
      promise("a length is a number", length != nil)
      promise("a length is digits", lengths[0].allSatisfy { (48...57).contains($0) })
    }
    promise("a body", request.declaresBody, equals: isEncoded || (length ?? 0) != 0)
  }
}

extension RequestCheck {
  /// RFC 6455 §4.2.1.
  func checkUpgrade(key: HandshakeKey) {
    promise("item 1: GET", method, equals: Array("GET".utf8))
    promise("item 1: HTTP/1.1 or later", version != Array("HTTP/1.0".utf8))
    promise("item 3: Upgrade", head.list("upgrade", contains: "websocket"))
    promise("item 4: Connection", head.list("connection", contains: "upgrade"))
    promise("item 6", head.values(of: "sec-websocket-version"), equals: [Array("13".utf8)])
    checkKey(key)
    let lengths = head.values(of: "content-length")
    promise("no body", lengths.allSatisfy { $0.allSatisfy { $0 == UInt8(ascii: "0") } })
    promise("no encoded body", head.values(of: "transfer-encoding"), equals: [])
    promise("at most one origin", head.values(of: "origin").count <= 1)
    let subprotocols = head.elements(of: "sec-websocket-protocol")
    promise("subprotocols are tokens", subprotocols.allSatisfy { PlainHead.isToken($0) })
  }

  func checkExtensions(_ offers: [WebSocketExtension]) {
    let expected = PlainExtensions.parse(head.values(of: "sec-websocket-extensions"))
    let found = PlainExtensions.texts(of: offers)
    promise("extensions", found, equals: expected ?? [["malformed"]])
  }

  /// Item 5: 16 bytes in base64, once.
  private func checkKey(_ key: HandshakeKey) {
    let keys = head.values(of: "sec-websocket-key")
    promise("one key", keys.count, equals: 1)
    let characters = key.characters.indices.map { key.characters[$0] }
    promise("the key as it is sent", characters, equals: keys[0])
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    let sextets = keys[0].prefix(22).compactMap { alphabet.firstIndex(of: $0) }
    promise("22 characters of base64", sextets.count, equals: 22)
    promise("padding of 16 bytes", Array(keys[0].dropFirst(22)), equals: Array("==".utf8))
  }
}
