import WebSocketProtocol

/// A request, or what a hostile client sends instead: the same result in any pieces, and nothing is
/// accepted that a second, strict look refuses.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let limits = HandshakeLimits(
    headByteCountMax: input.choose(from: [16_384, 1024, 64]),
    headerCountMax: input.choose(from: [100, 6, 1]),
    targetByteCountMax: input.choose(from: [8000, 16]))
  let reads = input.reads()
  let bytes = input.bytes()

  // The same parser reads one request after the other, as on a reactor.
  var parser = RequestParser(limits: limits)
  let whole = RequestOutcome(of: bytes, in: .whole, by: &parser)
  promise("the same in pieces", RequestOutcome(of: bytes, in: reads, by: &parser), equals: whole)

  switch whole.result {
  case .success(.needMoreBytes):
    promise("a head without an end is bounded", bytes.count < limits.headByteCountMax)
  case .success(.complete(let headByteCount, let kind)):
    promise("a head is bounded", headByteCount <= min(limits.headByteCountMax, bytes.count))
    let heap = HeapBytes(bytes)
    parser.withRequest(in: heap.span) { request in
      let check = RequestCheck(Array(bytes[..<headByteCount]))
      check.check(request, limits: limits)
      if case .upgrade(let key) = kind {
        check.checkUpgrade(key: key)
        check.checkExtensions(request.extensionOffers)
        checkAnswer(to: request, key: key)
      }
    }
  case .failure(let error):
    checkRefusal(error.response)
  }
  return 0
}

private struct RequestOutcome: Equatable {
  private(set) var result: Result<RequestParser.Outcome, HandshakeError>
  private let isHeadRequest: Bool

  init(of bytes: [UInt8], in reads: Reads, by parser: inout RequestParser) {
    var search = HeadSearch()
    result = .success(.needMoreBytes)
    for end in reads.ends(of: bytes.count) where result == .success(.needMoreBytes) {
      let heap = HeapBytes(bytes[..<end])
      do throws(HandshakeError) {
        result = .success(try parser.parse(heap.span, search: &search))
      } catch {
        result = .failure(error)
      }
    }
    isHeadRequest = parser.isHeadRequest
  }
}

/// A client that has sent this request accepts our answer to it.
private func checkAnswer(to request: borrowing HTTPRequest, key: HandshakeKey) {
  let subprotocol = request.subprotocols.first
  let offers = request.extensionOffers
  do {
    let builder = try UpgradeRequestBuilder(
      host: "a", key: key, subprotocols: subprotocol.map { [$0] } ?? [], extensions: offers)
    var answer: [UInt8] = []
    try UpgradeResponse(for: key, subprotocol: subprotocol, extensions: offers)
      .append(to: &answer)
    let byteCount = answer.count
    let limits = HandshakeLimits(headByteCountMax: 16 << 20)
    var parser = ResponseParser(limits: limits)
    var search = HeadSearch()
    let heap = HeapBytes(answer + [0x81, 0x00])
    let outcome = try parser.parse(heap.span, search: &search, answering: builder)
    guard case .upgraded(let head, let chosen, let extensions) = outcome else {
      promise("an answer opens the connection", false)
      return
    }
    promise("all of the answer is read", head.byteCount, equals: byteCount)
    promise("the chosen subprotocol is read", chosen, equals: subprotocol)
    promise("the chosen extensions are read", extensions, equals: offers)
  } catch {
    promise("what a request offers can be answered: \(error)", false)
  }
}

/// A refusal is a response by itself, which holds nothing of the request.
private func checkRefusal(_ response: HTTPResponse) {
  var bytes: [UInt8] = []
  response.append(to: &bytes)
  let text = PlainHead.text(bytes)
  let line = "HTTP/1.1 \(response.status.code) \(response.status.reasonPhrase)\r\n"
  promise("a refusal has its status", text.hasPrefix(line))
  promise("a refusal is no success", (400...599).contains(response.status.code))
  promise("a refusal gives a reason", text.hasSuffix(PlainHead.text(response.body)))
}
