import Reactor
import ReactorSimulation

/// Makes a failing plan small: leaves out faults and actions as long as it fails in the same way.
/// Each attempt has a process of its own, so that traps and loops without end can be made small too.
struct Shrinker {
  private(set) var plan: Plan
  private let name: String
  private let failure: String?
  private let isRepeated: Bool
  private var removed: [String] = []
  /// What is small by then is small enough.
  private let deadline = ContinuousClock.now + .seconds(120)
  /// Seconds that an attempt may take before it counts as one without an end.
  private static let attemptLimit: UInt32 = 5

  init(_ course: Course, _ outcome: Outcome) {
    plan = course.plan
    name = course.name
    failure = outcome.kind
    isRepeated = Repetition.isNeeded(for: outcome.text)
  }

  /// Prints how to play what is left.
  mutating func shrink() {
    guard fails(plan) else {
      return print("it does not fail by itself: what was played before it matters")
    }
    removeFaults()
    removeActions()
    print("\(plan.actions.count) actions are enough: \(plan.actions.map { "\($0.kind)" })")
    if .now >= deadline { print("there was no time to find out whether fewer are") }
    let numbers = plan.actions.map { "\($0.number)" }.joined(separator: ",")
    let seed = name.split(separator: " ")
    var words = seed.first == "seed" ? ["--seed", String(seed[1])] : ["--play", name]
    words += ["--keep", numbers]
    if !removed.isEmpty { words += ["--without", removed.joined(separator: ",")] }
    print("play it: scripts/simulate \(words.joined(separator: " ")) --trace")
  }

  private mutating func removeFaults() {
    for fault in SimulatedFaults.fields {
      var smaller = plan
      guard smaller.faults.remove(fault.name), fails(smaller) else { continue }
      plan = smaller
      removed.append(fault.name)
    }
  }

  /// Halves, quarters, … and at last each by itself.
  private mutating func removeActions() {
    var partCount = 2
    while plan.actions.count > 1, .now < deadline {
      let size = max(1, plan.actions.count / partCount)
      if let smaller = withoutPart(of: size) {
        plan = smaller
      } else if size == 1 {
        break
      } else {
        partCount *= 2
      }
    }
  }

  /// The plan without some actions in a row that are not needed, the last ones first.
  private func withoutPart(of size: Int) -> Plan? {
    var end = plan.actions.count
    while end > 0 {
      var smaller = plan
      smaller.actions.removeSubrange(max(0, end - size)..<end)
      if !smaller.actions.isEmpty, fails(smaller) { return smaller }
      end -= size
    }
    return nil
  }

  private func fails(_ plan: Plan) -> Bool {
    guard .now < deadline else { return false }
    let outcome = ChildProcess.outcome(limit: Self.attemptLimit) {
      var eventCount = 0
      if isRepeated { return Repetition.violation(of: plan, eventCount: &eventCount) }
      ChildProcess.beginCourse()
      return World(plan).run()
    }
    return outcome.kind == failure
  }
}
