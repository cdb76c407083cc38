internal import CURing
internal import Glibc

/// How many descriptors the process may have open (RLIMIT_NOFILE).
enum OpenFileLimit {
  /// The limit that holds now.
  static var current: Int {
    Kernel.substitute?.descriptorLimit ?? count(limits().rlim_cur)
  }

  /// Raises the limit as far as the process may by itself. Returns the limit that holds then.
  @discardableResult
  static func raise() -> Int {
    if let substitute = Kernel.substitute { return substitute.descriptorLimit }
    var limits = limits()
    guard limits.rlim_cur < limits.rlim_max else { return count(limits.rlim_cur) }
    limits.rlim_cur = limits.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    return current
  }

  /// The number that the next descriptor will get: the lowest one that is free. `descriptor` is any
  /// open one.
  static func nextDescriptor(like descriptor: Int32) -> Int? {
    if let substitute = Kernel.substitute { return substitute.nextDescriptor.map { Int($0) } }
    let next = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard next >= 0 else { return nil }
    Glibc.close(next)
    return Int(next)
  }

  private static func limits() -> rlimit {
    var limits = rlimit()
    _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    return limits
  }

  /// Without a limit (RLIM_INFINITY) the number does not fit an Int.
  private static func count(_ limit: rlim_t) -> Int {
    Int(clamping: limit)
  }
}
