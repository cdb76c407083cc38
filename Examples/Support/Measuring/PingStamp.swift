internal import WebSocket

/// The payload of a ping that says when it was sent. The pong brings it back (RFC 6455 §5.5.3), so
/// nobody has to remember which pings are on their way.
public enum PingStamp {
  private static let start = ContinuousClock.now

  /// A longer time is not believed: a client can put into a pong whatever it likes.
  private static let millisecondsMax: Int64 = 60_000

  static func ping(_ connection: Connection) -> SendResult {
    unsafe connection.ping(bytes().span.bytes)
  }

  /// How long a ping and its pong took; nil for a pong that is no answer to one of these pings.
  public static func roundTrip(of pong: RawSpan) -> Duration? {
    guard pong.byteCount == 8 else { return nil }
    let sent = unsafe pong.withUnsafeBytes { bytes in
      unsafe bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    let now = nanoseconds()
    guard sent <= now, now - sent < UInt64(millisecondsMax) * 1_000_000 else { return nil }
    return .nanoseconds(Int64(now - sent))
  }

  private static func bytes() -> [UInt8] {
    let now = nanoseconds()
    return stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: now >> $0) }
  }

  private static func nanoseconds() -> UInt64 {
    // `start` first: who asks for it the first time makes it.
    let (seconds, attoseconds) = start.duration(to: .now).components
    return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds / 1_000_000_000))
  }
}

extension Duration {
  /// Whole microseconds, rounded down.
  public var wholeMicroseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
  }
}
