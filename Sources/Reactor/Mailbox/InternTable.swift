/// Values that many connections have in common, kept once and named by their position. Any thread.
struct InternTable<Value: Hashable & Sendable>: ~Copyable {
  /// So many different ones are kept: whoever has more should not name them this way.
  private static var countMax: Int { 4096 }

  private let values = ConditionLock<[Value]>([])

  /// The position of a value, which enters the table if it is new. Nil: the table is full.
  func intern(_ value: Value) -> Int? {
    values.withLock { values in
      if let position = values.firstIndex(of: value) { return position }
      guard values.count < Self.countMax else { return nil }
      values.append(value)
      return values.count - 1
    }
  }

  func value(at position: Int) -> Value? {
    values.withLock { position < $0.count ? $0[position] : nil }
  }

  func removeAll() {
    values.withLock { $0.removeAll() }
  }
}
