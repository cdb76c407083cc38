/// What a connection's round trips were like, in a few numbers however many there were.
struct RoundTripSummary: CustomStringConvertible {
  private var count: Int64 = 0
  private var sum: Int64 = 0
  private var least = Int64.max
  private var most: Int64 = 0

  mutating func add(_ microseconds: Int64) {
    count += 1
    // At most a minute each: this would take thousands of years to overflow.
    sum += microseconds
    least = min(least, microseconds)
    most = max(most, microseconds)
  }

  var description: String {
    guard count > 0 else { return "no pongs" }
    return "\(count) pongs: at least \(least) µs, on average \(sum / count) µs, at most \(most) µs"
  }
}
