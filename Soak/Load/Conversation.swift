import WebSocket

/// What one connection says and expects, from opening to closing. Guarded by the lock of its slot.
class Conversation {
  /// Tells connections apart: names and payloads are made of it.
  let name: String
  let report: Report
  /// Messages to be sent before it ends.
  private(set) var remainingCount: Int
  var random: SeededGenerator

  required init(name: String, seed: UInt64, report: Report) {
    self.name = name
    self.report = report
    random = SeededGenerator(seed: seed)
    remainingCount = Int.random(in: 3...20, using: &random)
  }

  /// The path and query to connect to. Nil `token`: the server is no `auth`.
  class func target(token: String?) -> String { "/" }

  func opened(_ connection: Connection) {}

  /// Sends the next message.
  final func act(_ connection: Connection) {
    remainingCount -= 1
    sendNext(connection)
  }

  func sendNext(_ connection: Connection) {}

  func received(_ message: borrowing IncomingMessage, on connection: Connection) {}

  /// Whether everything that was sent has been answered.
  var isSettled: Bool { true }

  /// Whether it may end: it is settled, and has had what it had to have by then.
  final var mayEnd: Bool { remainingCount <= 0 && isSettled }

  final func find(_ text: String) { report.find("\(name): \(text)") }

  final func send(_ text: String, on connection: Connection) {
    report.count { $0.sentCount += 1 }
    let result = connection.send(text)
    if result == .closed || result == .dropped { find("a send was answered \(result)") }
  }
}

/// The same numbers with every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
