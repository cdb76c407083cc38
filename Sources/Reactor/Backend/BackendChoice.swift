internal import CURing
internal import Glibc

/// Which kernel interface reactors shall run on.
public enum BackendChoice: String, Sendable, CaseIterable {
  /// io_uring where it passes a functional test, else epoll.
  case automatic
  /// io_uring, or an error that says what to do.
  case ioURing = "io_uring"
  /// epoll.
  case epoll

  /// The environment variable that overrides what a program has chosen. Its values are the raw
  /// values.
  public static let environmentVariable = "MARTLET_BACKEND"
}

/// A backend, and why it was chosen: for one line in the log.
struct BackendDecision: Equatable {
  let kind: BackendKind
  let reason: String
  /// Whether epoll will do if io_uring refuses one of the reactors after all, for want of memory,
  /// say.
  var mayFallBack = false
}

extension BackendChoice {
  /// Decides, for all reactors of a group alike. `override` is the value of `environmentVariable`;
  /// `test` finds out what io_uring can do, and throws what keeps it from being used.
  func decide(
    override: String? = BackendChoice.environmentOverride,
    test: () throws(SystemError) -> IOURingCapabilities = { () throws(SystemError) in
      try SelfTest.capabilities()
    }
  ) throws(SystemError) -> BackendDecision {
    guard Kernel.substitute == nil else {
      return BackendDecision(kind: .epoll, reason: "the thread does not use the kernel")
    }
    var choice = self
    var origin = "chosen by the program"
    if let override, !override.isEmpty {
      guard let named = BackendChoice(rawValue: override) else {
        throw SystemError(
          "\(Self.environmentVariable)=\(override)", code: EINVAL,
          advice: "Use automatic, io_uring or epoll")
      }
      choice = named
      origin = "chosen by \(Self.environmentVariable)"
    }
    if choice == .epoll { return BackendDecision(kind: .epoll, reason: origin) }
    let capabilities: IOURingCapabilities
    do throws(SystemError) {
      capabilities = try test()
    } catch {
      guard choice == .automatic else { throw error }
      return BackendDecision(kind: .epoll, reason: "io_uring cannot be used: \(error)")
    }
    var reason = choice == .automatic ? "io_uring passed its self-test" : origin
    if !capabilities.restrictsRings { reason += "; rings cannot be restricted here" }
    return BackendDecision(kind: .ioURing, reason: reason, mayFallBack: choice == .automatic)
  }

  static var environmentOverride: String? {
    guard let value = unsafe getenv(environmentVariable) else { return nil }
    return unsafe String(cString: value)
  }
}
