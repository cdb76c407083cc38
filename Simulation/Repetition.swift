import CProcess
import Reactor
import ReactorSimulation

/// Plays a plan again and again: each time it must be the same to the last byte, and what is
/// allocated must not grow from one time to the next.
enum Repetition {
  private static let roundCount = 8
  /// Bytes that malloc takes at least: what each course loses is no less. Where free memory lies in
  /// pieces, what is kept may come to take a little more.
  private static let leastLoss = 32
  private static let leakText = "bytes of each course are not freed"
  private static let otherwiseText = "plays otherwise when it is played again"
  private static let forgottenText = "is not what its text says: look at PlanText.swift"

  /// Whether a violation is one that is found here only.
  static func isNeeded(for violation: String?) -> Bool {
    guard let violation else { return false }
    return violation.hasSuffix(leakText) || [otherwiseText, forgottenText].contains(violation)
  }

  /// Returns what was wrong, nil for nothing; and adds the events of all times to `eventCount`.
  static func violation(of plan: Plan, eventCount: inout Int) -> String? {
    guard plan.isWhatItsTextSays else { return forgottenText }
    let digest = play(plan, &eventCount)
    func repeats(_ count: Int) -> Bool {
      (0..<count).allSatisfy { _ in play(plan, &eventCount) == digest }
    }

    // The first times fill what is kept for ever: ports, tables, what malloc holds back.
    guard repeats(roundCount) else { return otherwiseText }
    var loss = 0
    // A little may still be kept for good. What is lost in each course is lost for longer.
    for count in [roundCount, roundCount, roundCount, 10 * roundCount, 10 * roundCount] {
      let before = process_allocated_byte_count()
      guard repeats(count) else { return otherwiseText }
      loss = (process_allocated_byte_count() - before) / count
      if loss < leastLoss { return nil }
    }
    return "\(loss) \(leakText)"
  }

  private static func play(_ plan: Plan, _ eventCount: inout Int) -> UInt64 {
    ChildProcess.beginCourse()
    let world = World(plan)
    // The same violation each time is found without repeating.
    _ = world.run()
    eventCount += world.simulation.eventCount
    return world.simulation.digest
  }
}
