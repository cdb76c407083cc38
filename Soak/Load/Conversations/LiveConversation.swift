import WebSocket

/// What somebody says in the room comes to all who are there, the speaker included.
final class LiveConversation: Conversation {
  private var hasJoined = false
  private var waiting: [Int] = []
  private var spokenCount = 0
  private var speakers = Speakers()

  override var isSettled: Bool { hasJoined && waiting.isEmpty }

  override func opened(_ connection: Connection) {
    send(#"{"type":"join","name":"\#(name)"}"#, on: connection)
  }

  override func sendNext(_ connection: Connection) {
    spokenCount += 1
    waiting.append(spokenCount)
    send(#"{"type":"say","text":"\#(spokenCount)"}"#, on: connection)
  }

  override func received(_ message: borrowing IncomingMessage, on connection: Connection) {
    let event = message.text
    switch Self.member("type", of: event) {
    case "joined": hasJoined = true
    case "said": heard(event)
    case "left": Self.member("name", of: event).map { speakers.forget($0) }
    // So much at once that the room's limit was reached: allowed, and told.
    case "missed": speakers.forgetAll()
    case "welcome", "entered", "tick", "figures", "roundTrip": break
    default: find("unexpected: \(event)")
    }
  }

  private func heard(_ event: String) {
    guard let speaker = Self.member("name", of: event),
      let number = Self.member("text", of: event).flatMap({ Int($0) })
    else { return find("unexpected: \(event)") }
    if let complaint = speakers.heard(speaker, number) { find(complaint) }
    guard speaker == name else { return }
    if waiting.first == number {
      waiting.removeFirst()
    } else {
      find("\(number) came back, not \(waiting.first ?? 0)")
    }
  }

  /// A text of an event, none of which has escapes here.
  private static func member(_ name: String, of event: String) -> String? {
    guard let start = event.firstRange(of: "\"\(name)\":\"")?.upperBound else { return nil }
    return String(event[start...].prefix { $0 != "\"" })
  }
}
