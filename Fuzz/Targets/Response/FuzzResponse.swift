import WebSocketProtocol

/// A server's answer, or what a hostile server sends instead: the same result in any pieces, and
/// nothing opens a connection that a second, strict look refuses.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let limits = HandshakeLimits(
    headByteCountMax: input.choose(from: [16_384, 1024, 64]),
    headerCountMax: input.choose(from: [100, 6, 1]))
  let request = offer(
    subprotocols: input.choose(from: [["chat", "v2.chat"], []]),
    extensions: input.choose(from: [["permessage-deflate", "x"], []]))
  let reads = input.reads()
  let bytes = input.bytes()

  var parser = ResponseParser(limits: limits)
  let whole = parse(bytes, in: .whole, by: &parser, answering: request)
  let pieces = parse(bytes, in: reads, by: &parser, answering: request)
  promise("the same in pieces", pieces, equals: whole)

  switch whole {
  case .success(.needMoreBytes):
    promise("a head without an end is bounded", bytes.count < limits.headByteCountMax)
  case .success(.interim(let head)):
    promise("another response follows", (100..<200).contains(head.status.code))
    promise("it is not the upgrade", head.status != .switchingProtocols)
    _ = ResponseCheck(bytes, head, limits: limits)
  case .success(.refused(let head)):
    promise("the server has decided", (200...999).contains(head.status.code))
    _ = ResponseCheck(bytes, head, limits: limits)
    checkBody(behind: head, in: bytes, reads: reads)
  case .success(.upgraded(let head, let subprotocol, let extensions)):
    let check = ResponseCheck(bytes, head, limits: limits)
    check.checkUpgrade(answering: request)
    check.checkChoice(of: subprotocol, among: request.subprotocols)
    check.checkChoice(of: extensions, among: request.extensions)
  case .failure: break
  }
  return 0
}

/// What is kept of a body is the same in any pieces, bounded, and what was sent.
private func checkBody(behind head: ResponseHead, in bytes: [UInt8], reads: Reads) {
  let body = Array(bytes[head.byteCount...])
  let empty = ResponseBodyStart(of: head, byteCountMax: 16)
  var whole = empty
  whole.append(HeapBytes(body).span)
  var pieces = empty
  for piece in reads.pieces(of: body.count) { pieces.append(HeapBytes(body[piece]).span) }
  promise("a body is the same in pieces", pieces, equals: whole)
  promise("what is kept of a body is bounded", whole.bytes.count <= 16)
  var rest = body[...]
  for byte in whole.bytes {
    let index = rest.firstIndex(of: byte)
    promise("what is kept was sent, in its order", index != nil)
    rest = rest[((index ?? rest.startIndex) + 1)...]
  }
}

/// What the client has sent, with the key of RFC 6455 §1.3.
private func offer(subprotocols: [String], extensions: [String]) -> UpgradeRequestBuilder {
  guard let key = HandshakeKey(HeapBytes("dGhlIHNhbXBsZSBub25jZQ==".utf8).span) else {
    fatalError("the key of the RFC is refused")
  }
  do {
    return try UpgradeRequestBuilder(
      host: "a", key: key, subprotocols: subprotocols,
      extensions: extensions.map { WebSocketExtension($0) })
  } catch {
    fatalError("a right request is refused: \(error)")
  }
}

private func parse(
  _ bytes: [UInt8], in reads: Reads, by parser: inout ResponseParser,
  answering request: UpgradeRequestBuilder
) -> Result<ResponseParser.Outcome, ResponseError> {
  var search = HeadSearch()
  for end in reads.ends(of: bytes.count) {
    let heap = HeapBytes(bytes[..<end])
    do throws(ResponseError) {
      let outcome = try parser.parse(heap.span, search: &search, answering: request)
      if outcome != .needMoreBytes { return .success(outcome) }
    } catch {
      return .failure(error)
    }
  }
  return .success(.needMoreBytes)
}
