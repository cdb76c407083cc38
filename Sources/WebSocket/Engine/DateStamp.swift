internal import Reactor
internal import WebSocketProtocol

/// What the `Date` field says now (RFC 9110 §6.6.1), written anew once a second at most.
struct DateStamp {
  private var secondsSince1970: Int64 = .min
  private var date = HTTPDate(secondsSince1970: 0)

  mutating func now() -> HTTPDate {
    let seconds = WallClock.secondsSince1970()
    if seconds != secondsSince1970 {
      secondsSince1970 = seconds
      date = HTTPDate(secondsSince1970: seconds)
    }
    return date
  }
}
