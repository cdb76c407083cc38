import WebSocketProtocol

/// What somebody gives for a WebSocket's URL: what is accepted has the parts that a plain reading finds,
/// and goes into a request that a server understands; nothing that is plainly right is refused.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let text = String(decoding: input.bytes(), as: UTF8.self)
  let plain = PlainURL(Array(text.utf8))
  do throws(HandshakeFieldError) {
    let url = try WebSocketURL(text)
    promise("what is accepted can be read", plain != nil)
    guard let plain else { return 0 }
    promise("host", url.host, equals: PlainHead.text(plain.host))
    promise("port", String(url.port), equals: plain.port)
    promise("target", url.target, equals: PlainHead.text(plain.target))
    promise("no port 0", url.port > 0)
    checkDescription(of: url)
    checkRequest(for: url)
  } catch {
    promise("what is plainly right is accepted", !(plain?.isPlainlyRight ?? false))
  }
  return 0
}

/// It is a URL for the same.
private func checkDescription(of url: WebSocketURL) {
  do {
    promise("its text means the same", try WebSocketURL(url.description), equals: url)
  } catch {
    promise("its text is a URL", false)
  }
}

/// A server understands the request that asks for it.
private func checkRequest(for url: WebSocketURL) {
  var bytes: [UInt8] = []
  do {
    try UpgradeRequestBuilder(
      host: url.authority, target: url.target,
      key: HandshakeKey(nonce: .init(repeating: 7))
    ).append(to: &bytes)
    let limits = HandshakeLimits(headByteCountMax: 1 << 20, targetByteCountMax: 1 << 20)
    var parser = RequestParser(limits: limits)
    var search = HeadSearch()
    let heap = HeapBytes(bytes)
    guard case .complete(let headByteCount, .upgrade) = try parser.parse(heap.span, search: &search)
    else {
      promise("it is an upgrade", false)
      return
    }
    promise("all of it is the request", headByteCount, equals: bytes.count)
    let head = PlainHead(bytes)
    let line = "GET \(url.target) HTTP/1.1"
    promise("what is asked for", PlainHead.text(head.firstLine), equals: line)
    promise("of whom", head.values(of: "host").map { PlainHead.text($0) }, equals: [url.authority])
  } catch {
    promise("a request can be made, and understood", false)
  }
}
