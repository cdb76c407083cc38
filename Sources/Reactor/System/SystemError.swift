internal import CURing
internal import Glibc

/// A system call that failed: which, and why.
public struct SystemError: Error, Equatable, CustomStringConvertible {
  /// The system call, or what was to be done with it.
  public let operation: String
  /// errno. Of a name that could not be resolved: EADDRNOTAVAIL.
  public let code: Int32
  /// What went wrong, where errno has no word for it.
  private let reason: String?
  /// What whoever runs the program can do about it, where that is known.
  public let advice: String?

  public init(_ operation: String, code: Int32, advice: String? = nil) {
    self.init(operation, code: code, reason: nil, advice: advice)
  }

  private init(_ operation: String, code: Int32, reason: String?, advice: String?) {
    self.operation = operation
    self.code = code
    self.reason = reason
    self.advice = advice
  }

  /// A name that has no address, as far as the system's resolver can tell.
  package static func unresolved(_ host: String, _ reason: String) -> SystemError {
    SystemError(
      "resolve \(host)", code: EADDRNOTAVAIL, reason: "the name could not be resolved: \(reason)",
      advice: "Check the name, and that this machine reaches a name server.")
  }

  /// The error that errno holds now.
  static func current(_ operation: String) -> SystemError {
    SystemError(operation, code: errno)
  }

  public var description: String {
    let reason = unsafe reason ?? "\(String(cString: strerror(code))) (errno \(code))"
    let text = "\(operation): \(reason)"
    return if let advice { "\(text). \(advice)" } else { text }
  }
}
