/// Ends the process unless the promise is kept: what the fuzzer takes for a find.
func promise(
  _ text: String, _ isKept: Bool, file: StaticString = #fileID, line: UInt = #line
) {
  guard isKept else { fatalError("not kept: \(text)", file: file, line: line) }
}

/// The same for two values that have to be equal, which the report then shows.
func promise<Value: Equatable>(
  _ text: String, _ left: Value, equals right: Value,
  file: StaticString = #fileID, line: UInt = #line
) {
  guard left == right else {
    fatalError("not kept: \(text): \(left) is not \(right)", file: file, line: line)
  }
}
