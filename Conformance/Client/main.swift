import ExampleSupport
import WebSocket

/// Something else than the number of cases.
struct UnexpectedAnswer: Error {
  let text: String
}

// Plays the client in front of Autobahn's fuzzing server: echoes whatever arrives, in one connection
// for each case.
await ExampleProgram.run("conformance-client", options: Options.self) { options in
  let visitor = try Visitor(options)
  let answer = try await visitor.visit("/getCaseCount")
  guard let count = Int(answer), count > 0 else { throw UnexpectedAnswer(text: answer) }
  try await visitor.playCases(count, atOnce: options.parallelCount)
  _ = try await visitor.visit("/updateReports?agent=\(options.agent)")
  Console.output.print("\(count) cases played")
}
