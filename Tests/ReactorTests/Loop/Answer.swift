@testable import Reactor

/// A value that another thread gives.
final class Answer<Value: Sendable>: Sendable {
  private let values = ConditionLock<[Value]>([])

  func give(_ value: Value) {
    values.change { $0.append(value) }
  }

  /// Blocks until it is there.
  func wait() -> Value {
    values.wait { $0.first }
  }
}
