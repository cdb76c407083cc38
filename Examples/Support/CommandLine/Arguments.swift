/// A command line, read from left to right: names of options, some of them followed by a value.
public struct Arguments {
  private var rest: IndexingIterator<[String]>

  public init(_ arguments: [String]) {
    rest = arguments.makeIterator()
  }

  /// The name of the next option; nil at the end.
  public mutating func nextName() -> String? {
    rest.next()
  }

  /// The value of the option `name`, which is not valid unless `read` makes something of it.
  public mutating func value<Value>(
    of name: String, _ read: (String) -> Value?
  ) throws(InvalidOption) -> Value {
    guard let text = rest.next() else { throw InvalidOption("\(name) needs a value") }
    guard let value = read(text) else { throw InvalidOption("\(name) cannot be \(text)") }
    return value
  }

  /// The value of the option `name`: a whole number in `range`.
  public mutating func number(
    of name: String, in range: ClosedRange<Int>
  ) throws(InvalidOption) -> Int {
    try value(of: name) { text in
      guard let number = Int(text), range.contains(number) else { return nil }
      return number
    }
  }
}

/// What is wrong with a command line.
public struct InvalidOption: Error {
  public let reason: String

  public init(_ reason: String) {
    self.reason = reason
  }
}
