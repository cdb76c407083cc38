/// What is to become of single calls, asked before chance is: the second accept fails with EMFILE,
/// the third send takes five bytes.
package struct SimulatedScript {
  package enum Call: Int, CaseIterable {
    case openSocket, bind, connect, accept, adopt, receive, send, sendNow
    /// A place where other threads may come in between.
    case interruption
  }

  package enum Outcome {
    /// With an errno. Of a receive, ENOBUFS: it finds no buffer. Others of a receive or a send have
    /// the connection broken from then on.
    case fails(Int32)
    /// Of a connect or a send: with an errno, and not before it has been waited for.
    case failsLater(Int32)
    /// Of a receive or a send: as many bytes as there are, at most so many.
    case moves(Int)
    /// Of a send: none at once, and so many later.
    case movesLater(Int)
    /// Of an interruption: other threads do something.
    case happens
  }

  private var outcomes: [[(number: Int, outcome: Outcome)]]
  private var counts: [Int]

  package init() {
    outcomes = Call.allCases.map { _ in [] }
    counts = Call.allCases.map { _ in 0 }
  }

  /// Has the call of that number, from now on and counted from 1, end so.
  package mutating func add(_ number: Int, _ call: Call, _ outcome: Outcome) {
    outcomes[call.rawValue].append((counts[call.rawValue] + number, outcome))
  }

  /// Calls so far.
  package func count(of call: Call) -> Int { counts[call.rawValue] }

  /// What is to become of the call that is being made. Nil: it is left to chance.
  mutating func next(_ call: Call) -> Outcome? {
    counts[call.rawValue] += 1
    guard !outcomes[call.rawValue].isEmpty else { return nil }
    let number = counts[call.rawValue]
    return outcomes[call.rawValue].first { $0.number == number }?.outcome
  }
}

extension Simulation {
  /// The errno with which the script has a call fail at once.
  func scriptedFailure(of call: SimulatedScript.Call) -> Int32? {
    guard case .fails(let code) = script.next(call) else { return nil }
    return code
  }
}
