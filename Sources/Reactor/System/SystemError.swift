internal import CURing
internal import Glibc

/// A system call that failed: which, and why.
public struct SystemError: Error, Equatable, CustomStringConvertible {
  /// The system call, or what was to be done with it.
  public let operation: String
  /// errno. Of a name that could not be resolved, what getaddrinfo(3) returned: EAI_NONAME,
  /// EAI_AGAIN, …, which are negative.
  public let code: Int32
  /// What whoever runs the program can do about it, where that is known.
  public let advice: String?

  /// - Parameters:
  ///   - operation: the system call, or what was to be done with it.
  ///   - code: errno, or what getaddrinfo(3) returned.
  ///   - advice: what whoever runs the program can do about it.
  public init(_ operation: String, code: Int32, advice: String? = nil) {
    self.operation = operation
    self.code = code
    self.advice = advice
  }

  /// The error that errno holds now.
  static func current(_ operation: String) -> SystemError {
    SystemError(operation, code: errno)
  }

  /// What failed, why, and what can be done about it, in one line.
  public var description: String {
    let text = "\(operation): \(reason)"
    return if let advice { "\(text). \(advice)" } else { text }
  }

  private var reason: String {
    guard code < 0 else { return unsafe "\(String(cString: strerror(code))) (errno \(code))" }
    let text = unsafe String(cString: gai_strerror(code))
    return "the name could not be resolved: \(text) (getaddrinfo \(code))"
  }
}
