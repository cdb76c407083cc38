internal import Synchronization

/// Gives numbers from 1 on, each once. Any thread.
public final class Numbering: Sendable {
  private let last = Atomic<UInt64>(0)

  public init() {}

  public func next() -> UInt64 {
    last.add(1, ordering: .relaxed).newValue
  }
}
