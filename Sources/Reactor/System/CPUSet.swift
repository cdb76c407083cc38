internal import CURing
internal import Glibc

/// CPUs by their numbers.
struct CPUSet: Equatable, Sendable {
  /// Ascending.
  let numbers: [Int]

  init(_ numbers: [Int]) {
    self.numbers = numbers.sorted()
  }

  /// The CPUs that the calling thread may run on: its affinity, which cpusets narrow too. Never
  /// empty.
  static func usable() -> CPUSet {
    // The kernel answers EINVAL when it knows more CPUs than there is room for.
    var wordCount = 16
    while wordCount <= 1 << 14 {
      if let set = usable(wordCount: wordCount) { return set }
      wordCount *= 4
    }
    return CPUSet([0])
  }

  /// How many threads are worth running at once: the usable CPUs, bounded by the CPU time that the
  /// control group grants. A part of a CPU counts as one. At least 1.
  static func reactorCountDefault() -> Int {
    let usableCount = usable().numbers.count
    guard let quota = CPUQuota.ofProcess() else { return usableCount }
    return max(1, min(usableCount, Int(quota.rounded(.up))))
  }

  /// Makes the calling thread run on these CPUs only.
  func bindCurrentThread() throws(SystemError) {
    guard let last = numbers.last, let first = numbers.first, first >= 0 else {
      throw SystemError("pin to CPUs \(numbers)", code: EINVAL)
    }
    var words = [UInt](repeating: 0, count: max(16, last / UInt.bitWidth + 1))
    for number in numbers { words[number / UInt.bitWidth] |= 1 << (number % UInt.bitWidth) }
    guard unsafe martlet_thread_set_affinity(words, words.count) == 0 else {
      throw SystemError(
        "pin to CPUs \(numbers)", code: errno,
        advice: errno == EINVAL ? "The process may use CPUs \(Self.usable().numbers)." : nil)
    }
  }

  private static func usable(wordCount: Int) -> CPUSet? {
    var words = [UInt](repeating: 0, count: wordCount)
    guard unsafe martlet_thread_get_affinity(&words, wordCount) == 0 else { return nil }
    let numbers = (0..<wordCount * UInt.bitWidth).filter { number in
      words[number / UInt.bitWidth] >> (number % UInt.bitWidth) & 1 == 1
    }
    return numbers.isEmpty ? nil : CPUSet(numbers)
  }
}
