import WebSocket

/// Every command is answered in its order, and of what others say in the room nothing is missing.
final class ChatConversation: Conversation {
  private var waiting: [String] = []
  private var spokenCount = 0
  private var others = Speakers()

  private var room: String {
    // Eight slots to a room.
    let number = Int(name.dropFirst().prefix { $0 != "x" }) ?? 0
    return "r\(number / 8)"
  }

  override var isSettled: Bool { waiting.isEmpty }

  override func opened(_ connection: Connection) {
    ask("nick \(name)", "named \(name)", connection)
    ask("join \(room)", "joined \(room)", connection)
  }

  override func sendNext(_ connection: Connection) {
    spokenCount += 1
    ask("say \(room) \(spokenCount)", "said \(room)", connection)
  }

  override func received(_ message: borrowing IncomingMessage, on connection: Connection) {
    let line = message.text
    let words = line.split(separator: " ")
    guard words.count > 2, words[0] == room else { return answered(line) }
    if words[1].hasSuffix(":") {
      let complaint = others.heard(String(words[1].dropLast()), Int(words[2]) ?? -1)
      if let complaint { find(complaint) }
    } else if line.hasSuffix(" has left") {
      others.forget(String(words[1]))
    }
  }

  private func ask(_ command: String, _ answer: String, _ connection: Connection) {
    waiting.append(answer)
    send(command, on: connection)
  }

  private func answered(_ line: String) {
    guard let expected = waiting.first, line.hasPrefix(expected) else {
      return find("\(line) is no answer to \(waiting.first ?? "nothing")")
    }
    waiting.removeFirst()
  }
}

/// Who says what in a room: each counts up, so that a gap shows.
struct Speakers {
  private var last: [String: Int] = [:]

  /// What is wrong with hearing this number of somebody.
  mutating func heard(_ name: String, _ number: Int) -> String? {
    defer { last[name] = number }
    guard let before = last[name], number != before + 1 else { return nil }
    return "\(name) said \(number) after \(before)"
  }

  mutating func forget(_ name: String) { last[name] = nil }

  mutating func forgetAll() { last = [:] }
}
