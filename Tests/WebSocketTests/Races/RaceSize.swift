import Glibc

/// How much a race has of everything. `MARTLET_RACE_CONNECTIONS` says how many connections; the usual run has fewer than
/// the 1,000 that `MARTLET_RACE_CONNECTIONS=1000 swift test --filter Races` has.
enum RaceSize {
  static let producerCount = 8

  static let connectionCount = number("MARTLET_RACE_CONNECTIONS") ?? 200

  /// Messages of each producer to each connection.
  static let messageCount = number("MARTLET_RACE_MESSAGES") ?? 20

  private static func number(_ variable: String) -> Int? {
    guard let text = getenv(variable) else { return nil }
    return Int(String(cString: text))
  }
}
