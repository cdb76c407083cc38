internal import CURing
internal import Glibc

/// A system call that failed: which, and why.
public struct SystemError: Error, Equatable, CustomStringConvertible {
  /// The system call, or what was to be done with it.
  public let operation: String
  /// errno
  public let code: Int32
  /// What whoever runs the program can do about it, where that is known.
  public let advice: String?

  public init(_ operation: String, code: Int32, advice: String? = nil) {
    self.operation = operation
    self.code = code
    self.advice = advice
  }

  /// The error that errno holds now.
  static func current(_ operation: String) -> SystemError {
    SystemError(operation, code: errno)
  }

  public var description: String {
    let reason = unsafe String(cString: strerror(code))
    let text = "\(operation): \(reason) (errno \(code))"
    return if let advice { "\(text). \(advice)" } else { text }
  }
}
