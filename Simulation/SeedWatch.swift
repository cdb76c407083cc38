import Glibc

/// The seed that is being played, for a handler of signals.
nonisolated(unsafe) private var currentSeed: UInt64 = 0

/// Tells of a seed that ends the process, by a trap of Martlet's or of the simulation's, or that
/// does not come to an end.
struct SeedWatch {
  /// Seconds of real time that one seed may take.
  private static let limit: UInt32 = 30

  init() {
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGALRM] {
      signal(number) { number in
        print("seed \(currentSeed): \(number == SIGALRM ? "comes to no end" : "trapped")")
        fflush(nil)
        _exit(number == SIGALRM ? 3 : 2)
      }
    }
  }

  func begin(_ seed: UInt64) {
    currentSeed = seed
    alarm(Self.limit)
  }
}
