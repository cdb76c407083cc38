/// Numbers that a seed makes up, the same each time: SplitMix64.
package struct SimulatedRandom: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  /// One of many that a seed has, each for something of its own: more or fewer numbers of one change
  /// none of another.
  package init(seed: UInt64, part: Int) {
    var first = SimulatedRandom(seed: seed)
    var second = SimulatedRandom(seed: first.next() ^ UInt64(truncatingIfNeeded: part))
    state = second.next()
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number from a range. Not `Int.random`, whose way from generator to number is not promised.
  package mutating func number(_ range: ClosedRange<Int>) -> Int {
    let width = UInt64(range.upperBound - range.lowerBound) + 1
    return range.lowerBound + Int(next().multipliedFullWidth(by: width).high)
  }

  /// True so many times out of a thousand.
  package mutating func chance(_ perMille: Int) -> Bool {
    perMille > 0 && number(0...999) < perMille
  }
}
