import Synchronization
import WebSocket

/// Handles of connections, each with the name that its peer gave it in the request, kept after they have gone too.
final class Registry: Sendable {
  struct Entry: Sendable {
    let connection: Connection
    let name: String
  }

  private let entries = Locked<[Entry]>([])

  func add(_ connection: Connection, name: String) {
    entries.withLock { $0.append(Entry(connection: connection, name: name)) }
  }

  var all: [Entry] { entries.withLock { $0 } }

  /// Some of the last ones: open, closing, gone.
  func latest(_ count: Int) -> [Entry] { entries.withLock { Array($0.suffix(count)) } }
}

/// What has become of sends: each result and each completion is counted.
final class Tally: Sendable {
  private let sent = Atomic<Int>(0)
  private let lost = Atomic<Int>(0)
  private let asked = Atomic<Int>(0)

  /// To be given to a send, which is counted as one that owes a completion.
  func completion() -> SendCompletion {
    asked.add(1, ordering: .relaxed)
    return { [self] outcome in
      if outcome == .sent {
        sent.add(1, ordering: .relaxed)
      } else {
        lost.add(1, ordering: .relaxed)
      }
    }
  }

  var askedCount: Int { asked.load(ordering: .relaxed) }
  var sentCount: Int { sent.load(ordering: .relaxed) }
  var lostCount: Int { lost.load(ordering: .relaxed) }
  var isSettled: Bool { askedCount == sentCount + lostCount }
}

/// Checks what one peer receives: messages for it alone, and the numbers of each producer without a gap.
struct Sequence {
  let name: String
  private var next: [Int: Int] = [:]
  private(set) var count = 0
  private(set) var fault: String?

  init(name: String) {
    self.name = name
  }

  /// A message is "name producer number".
  mutating func receive(_ text: String) {
    let parts = text.split(separator: " ")
    guard parts.count == 3, let producer = Int(parts[1]), let number = Int(parts[2]) else {
      fault = fault ?? "\(name) got '\(text)'"
      return
    }
    if parts[0] != name { fault = fault ?? "\(name) got what was for \(parts[0])" }
    let expected = next[producer] ?? 0
    if number != expected { fault = fault ?? "\(name): \(number) of \(producer), not \(expected)" }
    next[producer] = number + 1
    count += 1
  }
}
