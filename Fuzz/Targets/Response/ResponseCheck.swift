import WebSocketProtocol

/// A second look at a response that was understood. It shares no code with `ResponseParser`.
struct ResponseCheck {
  private let head: PlainHead

  /// RFC 9112 §4, and that `shown` is what is there.
  init(_ bytes: [UInt8], _ shown: ResponseHead, limits: HandshakeLimits) {
    promise("a head is bounded", shown.byteCount <= min(limits.headByteCountMax, bytes.count))
    head = PlainHead(Array(bytes[..<shown.byteCount]), unfolding: true)
    let parts = head.firstLine.split(
      separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
    promise("a status line has three parts, or two", (2...3).contains(parts.count))
    promise("it is HTTP/1", (0...9).contains { Array("HTTP/1.\($0)".utf8)[...] == parts[0] })
    promise("status", Array(parts[1]), equals: Array("\(shown.status.code)".utf8))
    promise(
      "reason phrase", shown.reasonPhrase, equals: PlainHead.text(parts.count == 3 ? parts[2] : []))
    promise("fields are bounded", head.fields.count <= limits.headerCountMax)
    let fields = shown.headers.map { [$0.name, $0.value] }
    let expected = head.fields.map { [PlainHead.text($0.name), PlainHead.text($0.value)] }
    promise("fields", fields, equals: expected)
  }

  /// RFC 6455 §4.1, the server's response.
  func checkUpgrade(answering request: UpgradeRequestBuilder) {
    let isHTTP10 = head.firstLine.starts(with: "HTTP/1.0".utf8)
    promise("HTTP/1.1 or later", !isHTTP10)
    let code = head.firstLine.dropFirst(9).prefix { $0 != UInt8(ascii: " ") }
    promise("item 1: 101", Array(code), equals: Array("101".utf8))
    let upgrade = head.values(of: "upgrade").map(PlainHead.lowercased)
    promise("item 2: Upgrade", upgrade, equals: [Array("websocket".utf8)])
    promise("item 3: Connection", head.list("connection", contains: "upgrade"))
    // The answer to the key of §1.3, by that section.
    let accept = Array("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8)
    promise("item 4: accept", head.values(of: "sec-websocket-accept"), equals: [accept])
  }

  /// Item 6.
  func checkChoice(of subprotocol: String?, among offers: [String]) {
    let values = head.values(of: "sec-websocket-protocol").map { PlainHead.text($0) }
    promise("the subprotocol as it is sent", values, equals: subprotocol.map { [$0] } ?? [])
    promise("a subprotocol of ours", values.allSatisfy(offers.contains))
  }

  /// Item 5.
  func checkChoice(of extensions: [WebSocketExtension], among offers: [WebSocketExtension]) {
    let expected = PlainExtensions.parse(head.values(of: "sec-websocket-extensions"))
    let found = PlainExtensions.texts(of: extensions)
    promise("extensions as they are sent", found, equals: expected ?? [["malformed"]])
    for choice in extensions {
      promise("an extension of ours", offers.contains { $0.name == choice.name })
    }
  }
}
