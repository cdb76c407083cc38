import Testing

@testable import Reactor

@Suite("The statistics of a reactor")
struct ReactorStatisticsTests {
  /// Each field has a number of its own.
  private var numbered: ReactorStatistics {
    var statistics = ReactorStatistics()
    for position in 0..<ReactorStatistics.wordCount {
      statistics[word: position] = UInt64(position + 1)
    }
    return statistics
  }

  @Test("are numbers of 64 bits, and nothing else")
  func fields() {
    let fields = Mirror(reflecting: numbered).children.map { $0.value as? UInt64 }
    #expect(fields == (1...ReactorStatistics.wordCount).map { UInt64($0) })
  }

  @Test("are the same to other threads, and can be added")
  func counters() {
    let counters = ReactorCounters()
    #expect(counters.load() == ReactorStatistics())
    counters.store(numbered)
    #expect(counters.load() == numbered)
    let sum = numbered + numbered
    for position in 0..<ReactorStatistics.wordCount {
      #expect(sum[word: position] == UInt64(2 * position + 2))
    }
  }
}
