import CProcess

/// Plays a plan again and again: what is allocated must not grow from one time to the next.
enum LeakCheck {
  private static let roundCount = 8
  static let suffix = "bytes are not freed"

  /// Returns what is not freed. Nil: nothing.
  static func violation(of plan: Plan) -> String? {
    var counts: [Int] = []
    for _ in 0..<5 {
      // The first times fill what is kept for ever: ports, tables, what malloc holds back.
      for _ in 0..<roundCount { _ = World(plan).run() }
      counts.append(process_allocated_byte_count())
    }
    let growths = zip(counts, counts.dropFirst()).map { ($1 - $0) / roundCount }
    guard let least = growths.min(), least >= 1024 else { return nil }
    return "\(least) \(suffix)"
  }
}
