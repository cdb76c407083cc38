import Glibc
import Reactor
import ReactorSimulation
import Synchronization

/// Plays one course after the other, on each CPU one, until one fails.
struct Runner {
  let options: Options
  private let jobCount: Int
  /// One of each process that plays, in memory that they share: each may end at any moment.
  private let progress: UnsafeMutablePointer<Progress>
  private let turn: UnsafeMutablePointer<Turn>

  private struct Turn: ~Copyable {
    /// The next course that is to be played.
    let next = Atomic(0)
    /// No course from this one on needs to be: an earlier one has failed.
    let end = Atomic(Int.max)
  }

  /// How far a process that plays has come.
  private struct Progress {
    var index = 0
    var courseCount = 0
    var eventCount = 0
  }

  init(_ options: Options) {
    self.options = options
    jobCount = options.jobCount
    progress = Self.share(jobCount)
    progress.initialize(repeating: Progress(), count: jobCount)
    turn = Self.share(1)
    turn.initialize(to: Turn())
  }

  private static func share<Value: ~Copyable>(_ count: Int) -> UnsafeMutablePointer<Value> {
    let memory = mmap(
      nil, count * MemoryLayout<Value>.stride, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
      -1, 0)
    guard let memory, memory != MAP_FAILED else { fatalError("there is no memory") }
    return memory.bindMemory(to: Value.self, capacity: count)
  }

  /// Returns the status to exit with.
  func run() -> Int32 {
    let start = ContinuousClock.now
    var failures: [(index: Int, outcome: Outcome)] = []
    ChildProcess.outcomes(of: jobCount) { job in
      playAll(of: job, since: start)
    } ended: { job, outcome in
      guard outcome != .passed else { return }
      failures.append((progress[job].index, outcome))
      turn.pointee.end.min(progress[job].index, ordering: .relaxed)
    }
    // The first one, however many play at once.
    guard let (index, outcome) = failures.min(by: { $0.index < $1.index }),
      let course = options.course(at: index), let text = outcome.text
    else {
      tellNumbers(.now - start)
      if let path = options.savePath, let course = options.course(at: 0) { save(course.plan, path) }
      return failures.isEmpty ? Outcome.passed.status : failures[0].outcome.status
    }
    print("\(course.name): \(text)")
    guard options.shrinks || options.savePath != nil else { return outcome.status }
    var shrinker = Shrinker(course, outcome)
    shrinker.shrink()
    if let path = options.savePath { save(shrinker.plan, path, because: text) }
    return outcome.status
  }

  /// One course after the other that no other job has begun, until one fails, there is no more, or
  /// the time is over. Returns what was wrong.
  private func playAll(of job: Int, since start: ContinuousClock.Instant) -> String? {
    while true {
      if let minutes = options.minutes, .now - start >= .seconds(60 * minutes) { return nil }
      let index = turn.pointee.next.add(1, ordering: .relaxed).oldValue
      guard index < turn.pointee.end.load(ordering: .relaxed),
        let course = options.course(at: index)
      else { return nil }
      progress[job].index = index
      if let violation = play(course, &progress[job]) { return violation }
      progress[job].courseCount += 1
    }
  }

  private func play(_ course: Course, _ progress: inout Progress) -> String? {
    ChildProcess.beginCourse()
    let world = World(course.plan)
    if options.isTraced {
      world.model.log = { line in
        print(line)
        // Whatever ends this process, what has happened before is told.
        fflush(nil)
      }
    }
    let violation = world.run()
    progress.eventCount += world.simulation.eventCount
    if options.printsDigest { print("\(course.name): digest \(world.simulation.digest)") }
    guard violation == nil, progress.index % options.repeatInterval == 0 else {
      return violation
    }
    return Repetition.violation(of: course.plan, eventCount: &progress.eventCount)
  }

  private func tellNumbers(_ elapsed: Duration) {
    let all = UnsafeBufferPointer(start: progress, count: jobCount)
    let eventCount = all.reduce(0) { $0 + $1.eventCount }
    let count = all.reduce(0) { $0 + $1.courseCount }
    let milliseconds = max(1, Int(elapsed / .milliseconds(1)))
    print(
      "\(count) courses without a failure: \(eventCount) events in \(milliseconds) ms,"
        + " \(eventCount * 1000 / milliseconds) a second on \(jobCount) CPUs")
  }

  private func save(_ plan: Plan, _ path: String, because text: String? = nil) {
    let reason = text.map { "# \($0)\n" } ?? ""
    guard TextFile.write(reason + plan.text, to: path) else { return print("cannot write \(path)") }
    print("written: \(path)")
  }
}
