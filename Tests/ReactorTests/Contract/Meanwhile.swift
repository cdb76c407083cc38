import CURing
import Glibc
import Synchronization

@testable import Reactor
@testable import ReactorSimulation

extension TestReactor {
  /// Runs `body` while something else goes on: on another thread, or in a simulation at times of its
  /// clock, as far as waiting moves it. `step` returns for how many microseconds it then does
  /// nothing, nil when it is over.
  static func run(
    meanwhile step: @escaping @Sendable () -> UInt32?, _ body: () throws -> Void
  ) throws {
    let isOver = Atomic<Bool>(false)
    if let simulation = Simulation.current {
      @Sendable func act() {
        guard !isOver.load(ordering: .relaxed), let simulation = Simulation.current,
          let microseconds = step()
        else { return }
        simulation.perform(
          atNanoseconds: simulation.nowNanoseconds + 1000 * Int64(microseconds), act)
      }
      simulation.perform(atNanoseconds: simulation.nowNanoseconds, act)
      defer { isOver.store(true, ordering: .relaxed) }
      return try body()
    }
    let thread = try Thread.start(name: "test") {
      while !isOver.load(ordering: .acquiring), let microseconds = step() { usleep(microseconds) }
    }
    defer {
      isOver.store(true, ordering: .releasing)
      thread.join()
    }
    try body()
  }

  /// Wakes whoever waits with an eventfd. Any thread.
  static func wake(_ eventDescriptor: Int32) {
    if let simulation = Simulation.current { return simulation.signal(eventDescriptor) }
    var one: UInt64 = 1
    _ = write(eventDescriptor, &one, 8)
  }
}
