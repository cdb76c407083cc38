import ExampleSupport
import Glibc
import WebSocket

/// Gives every slot its turn, at an even pace, and listens to commands.
final class Driver {
  private enum Mode {
    case going, holding, ending
  }

  private static let tick = Duration.milliseconds(10)

  private let slots: [Slot]
  private let client: Client<Slot>
  private let report: Report
  private var rate: Double
  private var mode = Mode.going
  private var hasAnswered = true
  private var next = 0
  private var lateness = Duration.zero
  private var input = ""

  init(_ slots: [Slot], _ client: Client<Slot>, _ report: Report, rate: Double) {
    self.slots = slots
    self.client = client
    self.report = report
    self.rate = rate
  }

  /// Until everybody has gone, or nobody gives commands any more.
  func run() {
    let start = ContinuousClock.now
    var steps = 0.0
    var tickCount = 0
    while readCommands() {
      steps += Double(slots.count) * turnsPerSecond * (Self.tick / .seconds(1))
      while steps >= 1 {
        step(slots[next])
        next = (next + 1) % slots.count
        steps -= 1
      }
      tickCount += 1
      if tickCount % 100 == 0 {
        Console.output.print(report.line(openCount: slots.count { $0.isOpen }))
        if answer() { return }
      }
      // Until a moment, not for a while. What is late is not made up for.
      let late = .now - start - Self.tick * tickCount
      if late < .zero { usleep(UInt32(late / .microseconds(-1))) }
      noteStall(late)
    }
  }

  /// How often each slot has its turn.
  private var turnsPerSecond: Double {
    switch mode {
    case .going: rate
    case .holding: 2
    case .ending: 1
    }
  }

  /// A machine that has stood still makes answers late that would have come in time. So that nobody takes that for
  /// a fault of the servers.
  private func noteStall(_ late: Duration) {
    if late - lateness > .seconds(5) { Console.output.print("stalled \(late - lateness)") }
    lateness = max(.zero, late)
  }

  private func step(_ slot: Slot) {
    switch mode {
    case .going: slot.step(client)
    case .holding: slot.hold(client)
    case .ending: slot.end()
    }
  }

  /// Tells when a command has been followed. True: it was the last one.
  private func answer() -> Bool {
    guard !hasAnswered else { return false }
    switch mode {
    case .going: hasAnswered = true
    case .holding where slots.allSatisfy(\.isSettled):
      Console.output.print("held")
      hasAnswered = true
    case .ending where slots.allSatisfy(\.isIdle):
      Console.output.print(report.line(openCount: 0))
      Console.output.print("ended")
      return true
    case .holding, .ending: break
    }
    return false
  }

  /// False: standard input has ended.
  private func readCommands() -> Bool {
    var poll = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
    guard unsafe Glibc.poll(&poll, 1, 0) > 0 else { return true }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = unsafe read(0, &bytes, bytes.count)
    guard count > 0 else { return false }
    input += String(decoding: bytes[..<count], as: UTF8.self)
    while let end = input.firstIndex(of: "\n") {
      follow(String(input[..<end]))
      input = String(input[input.index(after: end)...])
    }
    return true
  }

  private func follow(_ command: String) {
    if command.hasPrefix("rate "), let number = Double(command.dropFirst(5)), number > 0 {
      rate = number
      return
    }
    switch command {
    case "go": mode = .going
    case "hold": mode = .holding
    case "end": mode = .ending
    default: Console.output.print("what is \(command)?")
    }
    hasAnswered = false
  }
}
