internal import CURing
internal import Reactor

/// A reactor without a thread: a simulation runs it part by part.
final class SimulatedReactor {
  let loop: ReactorLoop
  private let handler: AnyObject
  /// How long it waits, if it does; and since when.
  private var bounds: WaitBounds?
  private var deadlineNanoseconds = Int64.max
  private(set) var isDone = false

  init(_ loop: ReactorLoop) {
    self.loop = loop
    handler = loop.handler as AnyObject
  }

  private var backend: SimulatedBackend? { loop.backend as? SimulatedBackend }

  /// Whether it has something to do now.
  func isRunnable(_ simulation: Simulation) -> Bool {
    guard !isDone else { return false }
    guard bounds != nil, let backend else { return true }
    return backend.isReady || simulation.nowNanoseconds >= deadlineNanoseconds
  }

  /// When it has something to do by itself. Max: never.
  var nextNanoseconds: Int64 { isDone || bounds == nil ? .max : deadlineNanoseconds }

  /// Does the next part of a pass: all up to the wait, or the end of the wait.
  func step(_ simulation: Simulation) {
    enter()
    defer { leave() }
    simulation.count(1, loop.reactor.position)
    if let bounds {
      self.bounds = nil
      loop.wait(bounds)
      if loop.isDone { finish(simulation) }
    } else {
      let bounds = loop.prepare { simulation.interrupt() }
      self.bounds = bounds
      let (sum, isOverflow) = simulation.nowNanoseconds.addingReportingOverflow(
        bounds.timeoutNanoseconds)
      deadlineNanoseconds = bounds.timeoutNanoseconds < 0 || isOverflow ? .max : sum
    }
  }

  func begin() {
    enter()
    defer { leave() }
    loop.begin()
  }

  /// What must hold while it sleeps. Nil: it does.
  var sleepViolation: String? {
    guard !isDone, let bounds, bounds.timeoutNanoseconds != 0, let backend else { return nil }
    if loop.hasTakenPosts {
      return "reactor \(loop.reactor.position) sleeps, and has not looked at all that was posted"
    }
    guard loop.hasPosted, !backend.isSignalled, !backend.isSignalOnItsWay else { return nil }
    return "reactor \(loop.reactor.position) sleeps, and something is in its mailbox"
  }

  /// What must hold of connections whose sockets are full. Nil: it does.
  var withdrawalViolation: String? {
    guard !isDone, let backend else { return nil }
    for (index, slot) in backend.slots.enumerated() where slot.waitsForRoom && !slot.isClosing {
      if loop.refersToTopics(connectionAt: UInt32(index)) {
        return "the queue of a full socket refers to what may be withdrawn"
      }
    }
    return nil
  }

  private func finish(_ simulation: Simulation) {
    isDone = true
    let leftovers = loop.leftovers
    if leftovers.hasDeadline {
      simulation.report(violation: "a deadline is left at the end")
    }
    if leftovers.connectionCount != 0 {
      simulation.report(violation: "connections are counted at the end")
    }
    if leftovers.queuedByteCount != 0 {
      simulation.report(violation: "queued bytes are counted at the end")
    }
    loop.tearDown()
    // What the mailbox held has been looked through by now.
    if loop.leftovers.ownPostCount != 0 {
      simulation.report(violation: "posts of its own are counted at the end")
    }
    if loop.leftovers.assignedCount != 0 {
      simulation.report(violation: "connections are assigned at the end")
    }
  }

  private func enter() {
    unsafe martlet_thread_set(
      loop.reactor.number, Unmanaged.passUnretained(loop).toOpaque(),
      Unmanaged.passUnretained(handler).toOpaque())
  }

  private func leave() {
    martlet_thread_set(0, nil, nil)
  }
}

extension Simulation {
  /// Whether a reactor has not ended yet.
  package var isRunning: Bool { reactors.contains { !$0.isDone } }

  /// Does one thing: a part of one reactor's pass; or if nobody has anything to do, lets time pass
  /// until somebody has, at most until `limit`. False: nothing is going to happen before.
  package func step(untilNanoseconds limit: Int64) -> Bool {
    if events.nextNanoseconds <= nowNanoseconds { advance(toNanoseconds: nowNanoseconds) }
    guard let reactor = runnable() else {
      let next = min(
        events.nextNanoseconds, reactors.reduce(.max) { min($0, $1.nextNanoseconds) })
      guard next <= limit else {
        advance(toNanoseconds: limit)
        return false
      }
      advance(toNanoseconds: next)
      return true
    }
    isStepping = true
    reactor.step(self)
    isStepping = false
    if let violation = reactor.withdrawalViolation { report(violation: violation) }
    checkSleepers()
    return true
  }

  /// Any reactor that has something to do; now and then one that has not.
  private func runnable() -> SimulatedReactor? {
    let count = reactors.count
    guard count > 0 else { return nil }
    let start = number(.reactor, 0...count - 1)
    if chance(.spuriousWake), !reactors[start].isDone {
      return reactors[start]
    }
    for offset in 0..<count {
      let reactor = reactors[(start + offset) % count]
      if reactor.isRunnable(self) { return reactor }
    }
    return nil
  }

  private func checkSleepers() {
    for reactor in reactors {
      if let violation = reactor.sleepViolation { report(violation: violation) }
    }
  }
}
