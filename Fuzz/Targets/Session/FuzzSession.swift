import WebSocketProtocol

/// A stream of frames, or of what a hostile peer sends instead: heard in the same way whole and in
/// any pieces, and as RFC 6455 read in the plainest way has it.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  var input = unsafe FuzzInput(start, byteCount)
  let script = SessionScript(&input)
  let reads = input.reads()
  let wire = input.bytes()

  let whole = SessionPlayer.play(wire, by: script, in: .whole)
  let pieces = SessionPlayer.play(wire, by: script, in: reads)
  promise("heard in pieces as it is heard whole", pieces, equals: whole)

  var model = SessionModel(script)
  model.read(wire)
  promise("what the RFC says was heard", whole.heard, equals: model.heard)
  promise("what has come of an unfinished message", whole.unfinished, equals: model.unfinished)
  promise("what waits for more bytes", whole.unconsumed, equals: model.unconsumed)
  if let error = whole.error {
    promise("\(error) is a rule that was broken", model.brokenRules.contains(error))
  } else {
    promise("no rule was broken", model.brokenRules, equals: [])
  }
  return 0
}
