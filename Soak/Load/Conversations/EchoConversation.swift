import WebSocket

/// Messages of all lengths come back as they were, in their order.
final class EchoConversation: Conversation {
  private struct Sent {
    let bytes: [UInt8]
    let isText: Bool
    let time: ContinuousClock.Instant
  }

  private var waiting: [Sent] = []

  override var isSettled: Bool { waiting.isEmpty }

  override func sendNext(_ connection: Connection) {
    let byteCount =
      switch Int.random(in: 0..<100, using: &random) {
      case ..<90: Int.random(in: 0...200, using: &random)
      case ..<98: Int.random(in: 200...5000, using: &random)
      default: Int.random(in: 5000...100_000, using: &random)
      }
    let isText = Bool.random(using: &random)
    var pattern = random
    let first = UInt8.random(in: 0...255, using: &pattern)
    let bytes = (0..<byteCount).map { (first &+ UInt8(truncatingIfNeeded: $0 &* 7)) & 0x7F }
    waiting.append(Sent(bytes: bytes, isText: isText, time: .now))
    if isText {
      send(String(decoding: bytes, as: UTF8.self), on: connection)
    } else {
      report.count { $0.sentCount += 1 }
      let result = connection.send(bytes)
      if result == .closed || result == .dropped { find("a send was answered \(result)") }
    }
  }

  override func received(_ message: borrowing IncomingMessage, on connection: Connection) {
    guard !waiting.isEmpty else { return find("an echo of nothing") }
    let sent = waiting.removeFirst()
    if message.isText != sent.isText || message.copy != sent.bytes {
      find("\(sent.bytes.count) bytes came back as \(message.byteCount) others")
    }
    report.noteRoundTrip(sent.time.duration(to: .now))
  }
}
