internal import CURing
internal import Glibc

/// The time since some moment in the past, unmoved by changes of the date.
enum MonotonicClock {
  /// Nanoseconds. Costs no system call where the kernel has a vDSO.
  static func nowNanoseconds() -> Int64 {
    if let substitute = Kernel.substitute { return substitute.nowNanoseconds }
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Nanoseconds as of the kernel's last tick, up to 10 ms ago: costs a few nanoseconds.
  static func nowCoarseNanoseconds() -> Int64 {
    if let substitute = Kernel.substitute { return substitute.nowNanoseconds }
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

extension timespec {
  /// A duration; negative counts as none.
  init(nanoseconds: Int64) {
    let nanoseconds = max(0, nanoseconds)
    self.init(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  }
}
