import WebSocket

/// One message a second, none left out.
final class BroadcastConversation: Conversation {
  private var last: Int?

  override func received(_ message: borrowing IncomingMessage, on connection: Connection) {
    let text = message.text
    guard text.hasPrefix("second "), let number = Int(text.dropFirst(7)) else {
      return find("unexpected: \(text)")
    }
    if let last, number != last + 1 { find("second \(number) after \(last)") }
    last = number
  }
}

/// Pings, which the client answers by itself, and how long each took.
final class RoundTripConversation: Conversation {
  private var count = 0

  override var isSettled: Bool { count > 0 }

  override func received(_ message: borrowing IncomingMessage, on connection: Connection) {
    count += 1
    if !message.text.hasSuffix(" µs") { find("unexpected: \(message.text)") }
  }
}

/// The server knows whose token it was, and counts.
final class AuthConversation: Conversation {
  private var sentCount = 0
  private var answeredCount = -1

  override class func target(token: String?) -> String { "/?token=\(token ?? "")" }

  override var isSettled: Bool { answeredCount == sentCount }

  override func sendNext(_ connection: Connection) {
    sentCount += 1
    send("t\(sentCount)", on: connection)
  }

  override func received(_ message: borrowing IncomingMessage, on connection: Connection) {
    answeredCount += 1
    let expected =
      answeredCount == 0 ? "Hello, ada." : "ada, message \(answeredCount): t\(answeredCount)"
    if message.text != expected { find("\(message.text) is not \(expected)") }
  }
}
