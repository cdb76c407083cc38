/// How a course has ended.
enum Outcome: Equatable {
  case passed
  /// Something was not as it was promised.
  case violated(String)
  /// By a signal, of a trap mostly; with what was said about it.
  case trapped(signal: Int32, message: String)
  /// It was ended since it took too long.
  case endless

  /// What the program exits with.
  var status: Int32 {
    switch self {
    case .passed: 0
    case .violated: 1
    case .trapped: 2
    case .endless: 3
    }
  }

  /// What is wrong. Nil: nothing.
  var text: String? {
    switch self {
    case .passed: nil
    case .violated(let text): text
    case .trapped(let signal, let message):
      message.isEmpty ? "trapped by signal \(signal)" : "trapped: \(message)"
    case .endless: "comes to no end"
    }
  }

  /// What is wrong without its figures, by which failures are compared.
  var kind: String? { text.map { String($0.prefix(100).filter { !$0.isNumber }) } }
}
