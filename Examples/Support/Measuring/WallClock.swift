internal import Glibc

/// The time of day, as a page's `Date` wants it.
public enum WallClock {
  /// Milliseconds since 1970.
  public static func milliseconds() -> UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(max(0, time.tv_sec)) * 1000 + UInt64(time.tv_nsec / 1_000_000)
  }
}
