import Reactor

/// Makes a failing plan small: leaves out faults and actions as long as it fails in the same way.
struct Shrinker {
  private var plan: Plan
  private let failure: String
  private let isLeak: Bool
  private var removed: [String] = []

  init(_ plan: Plan, _ violation: String) {
    self.plan = plan
    failure = Self.kind(violation)
    isLeak = violation.hasSuffix(LeakCheck.suffix)
  }

  /// Prints how to play what is left.
  mutating func shrink() {
    for fault in SimulatedFaults.all where plan.faults[keyPath: fault.path] != 0 {
      var smaller = plan
      smaller.faults.remove(fault.name)
      if fails(smaller) {
        plan = smaller
        removed.append(fault.name)
      }
    }
    var partCount = 2
    while plan.actions.count > 1 {
      let size = max(1, plan.actions.count / partCount)
      if let smaller = withoutPart(of: size) {
        plan = smaller
      } else if size == 1 {
        break
      } else {
        partCount *= 2
      }
    }
    print("\(plan.actions.count) actions are enough: \(plan.actions.map { "\($0.kind)" })")
    var words = ["--seed \(plan.seed)"]
    words.append("--keep \(plan.actions.map { "\($0.number)" }.joined(separator: ","))")
    if !removed.isEmpty { words.append("--without \(removed.joined(separator: ","))") }
    print("play it: scripts/simulate \(words.joined(separator: " ")) --trace")
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
    let violation = isLeak ? LeakCheck.violation(of: plan) : World(plan).run()
    return violation.map(Self.kind) == failure
  }

  /// A failure without its figures.
  private static func kind(_ violation: String) -> String {
    String(violation.prefix(60).filter { !$0.isNumber })
  }
}
