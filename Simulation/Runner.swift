import Glibc
import Reactor

/// Plays one course after the other, until one fails.
struct Runner {
  let options: Options
  private let progress: UnsafeMutablePointer<Progress>

  /// How far the process that plays has come. It lies in memory that is shared with it, since it may
  /// end at any moment.
  private struct Progress {
    var index = 0
    var eventCount = 0
  }

  init(_ options: Options) {
    self.options = options
    let memory = mmap(
      nil, MemoryLayout<Progress>.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else { fatalError("there is no memory") }
    progress = memory.bindMemory(to: Progress.self, capacity: 1)
    progress.initialize(to: Progress())
  }

  /// Returns the status to exit with.
  func run() -> Int32 {
    let start = ContinuousClock.now
    let outcome = ChildProcess.outcome(tells: true) { playAll(since: start) }
    let course = options.course(at: progress.pointee.index)
    guard let course, let text = outcome.text else {
      tellNumbers(.now - start)
      if let path = options.savePath, let course = options.course(at: 0) { save(course.plan, path) }
      return outcome.status
    }
    print("\(course.name): \(text)")
    guard options.shrinks || options.savePath != nil else { return outcome.status }
    var shrinker = Shrinker(course, outcome)
    shrinker.shrink()
    if let path = options.savePath { save(shrinker.plan, path, because: text) }
    return outcome.status
  }

  /// Until one fails, there is no other, or the time is over. Returns what was wrong.
  private func playAll(since start: ContinuousClock.Instant) -> String? {
    while let course = options.course(at: progress.pointee.index) {
      if let minutes = options.minutes, .now - start >= .seconds(60 * minutes) { return nil }
      if let violation = play(course) { return violation }
      progress.pointee.index += 1
    }
    return nil
  }

  private func play(_ course: Course) -> String? {
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
    progress.pointee.eventCount += world.simulation.eventCount
    if options.printsDigest { print("\(course.name): digest \(world.simulation.digest)") }
    guard violation == nil, progress.pointee.index % options.repeatInterval == 0 else {
      return violation
    }
    return Repetition.violation(of: course.plan, eventCount: &progress.pointee.eventCount)
  }

  private func tellNumbers(_ elapsed: Duration) {
    let (count, eventCount) = (progress.pointee.index, progress.pointee.eventCount)
    let milliseconds = max(1, Int(elapsed / .milliseconds(1)))
    print(
      "\(count) courses without a failure: \(eventCount) events in \(milliseconds) ms,"
        + " \(eventCount * 1000 / milliseconds) a second")
  }

  private func save(_ plan: Plan, _ path: String, because text: String? = nil) {
    let reason = text.map { "# \($0)\n" } ?? ""
    guard TextFile.write(reason + plan.text, to: path) else { return print("cannot write \(path)") }
    print("written: \(path)")
  }
}
