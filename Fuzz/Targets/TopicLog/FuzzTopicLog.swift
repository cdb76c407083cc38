@testable import Reactor

/// A topic's log and what reactors know of it, against a model that keeps everything: publishing, subscribing from a
/// position, sending, falling behind, leaving, and letting go by bytes and by age, in whatever order.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> Int32 {
  let input = unsafe FuzzInput(start, byteCount)
  play(input)
  // What is not given back grows with every run; what the runtime makes once does not.
  var growth = 0
  for _ in 0..<3 {
    let before = HeapUse.byteCount
    play(input)
    growth = HeapUse.byteCount - before
    if growth <= 0 { return 0 }
  }
  promise("all memory is given back", growth, equals: 0)
  return 0
}

private func play(_ input: FuzzInput) {
  var input = input
  let limits = TopicLimits(
    historyByteCount: input.choose(from: [0, 1, 300, 4096, 20_000]),
    historyMilliseconds: input.choose(from: [nil, 3_600_000]))
  let game = TopicGame(limits)
  // Each of them looks at all that is kept.
  for _ in 0..<200 where !input.isEmpty { game.move(&input) }
  game.end()
}
