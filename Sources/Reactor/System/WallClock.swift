internal import CURing
internal import Glibc

/// The date, which may be set and so jump; for what is told to others, never for waiting.
package enum WallClock {
  /// Seconds since 1970-01-01 00:00 UTC. Costs no system call where the kernel has a vDSO.
  package static func secondsSince1970() -> Int64 {
    if let substitute = Kernel.substitute { return substitute.nowNanoseconds / 1_000_000_000 }
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
  }
}
