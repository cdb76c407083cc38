/// A part of something that has a name, and can be written as a word and read again.
struct Field<Root> {
  let name: String
  let write: (Root) -> String
  /// False: the word means nothing here.
  let read: (inout Root, String) -> Bool
}

extension Field {
  init<Value: LosslessStringConvertible>(
    _ name: String, _ path: WritableKeyPath<Root, Value>
  ) {
    self.init(name, path, { Value($0) }, { $0.description })
  }

  /// Of a value that has no cases with values of their own.
  init<Value: CaseIterable>(case name: String, _ path: WritableKeyPath<Root, Value>) {
    self.init(name, path, { word in Value.allCases.first { "\($0)" == word } }, { "\($0)" })
  }

  init<Value>(
    _ name: String, _ path: WritableKeyPath<Root, Value>,
    _ parse: @escaping (String) -> Value?, _ describe: @escaping (Value) -> String
  ) {
    self.init(name: name) {
      describe($0[keyPath: path])
    } read: { root, word in
      guard let value = parse(word) else { return false }
      root[keyPath: path] = value
      return true
    }
  }
}
