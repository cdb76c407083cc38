import Glibc
import Reactor

/// Simulates one seed after the other, until one fails.
struct Runner {
  let options: Options

  init(_ options: Options) {
    self.options = options
  }

  /// Returns the status to exit with.
  func run() -> Int32 {
    let watch = SeedWatch()
    let start = Self.seconds()
    var eventCount = 0
    var done = 0
    for seed in options.seeds {
      if let minutes = options.minutes, Self.seconds() - start >= 60 * minutes { break }
      watch.begin(seed)
      let plan = options.plan(seed: seed)
      let world = World(plan)
      if options.isTraced { world.model.log = { print($0) } }
      var violation = world.run()
      eventCount += world.simulation.eventCount
      done += 1
      if options.printsDigest { print("seed \(seed): digest \(world.simulation.digest)") }
      if violation == nil, seed % options.leakInterval == 0 {
        violation = LeakCheck.violation(of: plan)
      }
      guard let violation else { continue }
      print("seed \(seed): \(violation)")
      if options.shrinks {
        var shrinker = Shrinker(plan, violation)
        shrinker.shrink()
      }
      return 1
    }
    let elapsed = max(Self.seconds() - start, 0.001)
    print(
      "\(done) seeds without a failure: \(eventCount) events in \(Int(elapsed * 1000)) ms,"
        + " \(Int(Double(eventCount) / elapsed)) a second")
    return 0
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
