import WebSocket

/// Pings that a session has sent, and what has become of them.
struct Pings {
  struct Ping: Equatable {
    let lane: Int
    let number: Int
    let byteCount: Int
  }

  /// By the lane that they were sent in: those that were not refused.
  private var sent: [[Ping]] = Array(repeating: [], count: 16)
  /// In the order in which they have come to the peer.
  private var arrived: [Ping] = []
  private var arrivedCounts = Array(repeating: 0, count: 16)
  /// Of those that have come, up to here the answer has come too, or need not come any more.
  private var answeredCount = 0
  /// Those that had come before the last ping of Martlet's own: its pong may answer them too.
  private var ownPosition = 0
  private var coveredCount = 0
  /// Bytes of frames of those that have not come to the peer.
  private(set) var openByteCount = 0

  private static let headByteCount = 1 + 8 + 1 + 8

  /// The next ping of a lane.
  func next(_ lane: Int, byteCount: Int) -> Ping {
    Ping(lane: lane, number: sent[lane].count, byteCount: max(Self.headByteCount, byteCount))
  }

  mutating func add(_ ping: Ping) {
    sent[ping.lane].append(ping)
    openByteCount += ping.byteCount + 6
  }

  static func bytes(_ ping: Ping, of session: Session) -> [UInt8] {
    let values = [(session.number, 8), (ping.lane, 1), (ping.number, 8)]
    let head = values.map { value, count in
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: count - digits.count) + digits
    }
    let bytes = Array("P\(head.joined())".utf8)
    return bytes + Payload.tiny(ping.byteCount - bytes.count, seed: ping.number)
  }

  /// Nil: it is none of a session's.
  static func parse(_ bytes: [UInt8]) -> (session: Int, ping: Ping)? {
    guard bytes.count >= headByteCount, bytes[0] == UInt8(ascii: "P") else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      Int(String(decoding: bytes[range], as: UTF8.self), radix: 16)
    }
    guard let session = number(1..<9), let lane = number(9..<10), let position = number(10..<18)
    else { return nil }
    return (session, Ping(lane: lane, number: position, byteCount: bytes.count))
  }

  /// Returns what is wrong with it, if something is. Nothing drops pings: all come, in the order of
  /// each thread.
  mutating func arrived(_ ping: Ping) -> String? {
    let count = arrivedCounts[ping.lane]
    guard count < sent[ping.lane].count else { return "a ping came that was not sent" }
    let expected = sent[ping.lane][count]
    guard expected == ping else {
      return "ping \(ping.number) came instead of \(expected.number): lost, or out of order"
    }
    arrivedCounts[ping.lane] += 1
    arrived.append(ping)
    openByteCount -= ping.byteCount + 6
    return nil
  }

  /// A pong answers the newest of the pings that have come, and those before it with that (RFC 6455
  /// §5.5.3).
  mutating func answered(_ ping: Ping) -> String? {
    guard let position = arrived[answeredCount...].firstIndex(of: ping) else {
      return "a pong came again, out of order, or for a ping that has not come"
    }
    answeredCount = position + 1
    return nil
  }

  mutating func ownArrived() { ownPosition = arrived.count }

  mutating func ownAnswered() { coveredCount = ownPosition }

  var isLost: Bool { arrived.count < sent.reduce(0) { $0 + $1.count } }
  var isUnanswered: Bool { max(answeredCount, coveredCount) < arrived.count }
}

/// A message to all that were open.
struct Broadcast {
  /// Of a server's sessions.
  let sessions: [Session]
  let isText: Bool

  static func bytes(_ number: Int) -> [UInt8] { Array("to all \(number)".utf8) }

  static func number(_ bytes: [UInt8]) -> Int? {
    guard bytes.starts(with: "to all ".utf8) else { return nil }
    return Int(String(decoding: bytes[7...], as: UTF8.self))
  }
}

/// What control frames and messages to all promise.
extension Model {
  func pingArrived(_ bytes: [UInt8], at session: Session) {
    heard(session, "receivedPing")
    guard !bytes.isEmpty else {
      session.peer?.pings.ownArrived()
      if settings.pingIntervalMilliseconds == 0 { report("a ping came that nobody has sent") }
      return
    }
    guard let (number, ping) = Pings.parse(bytes) else { return report("a ping has been changed") }
    guard let sender = sender(number, to: session) else { return }
    if bytes != Pings.bytes(ping, of: sender) { report("a ping has been changed") }
    report(sender.pings.arrived(ping))
  }

  func pongArrived(_ bytes: [UInt8], at session: Session) {
    heard(session, "receivedPong")
    guard !bytes.isEmpty else {
      session.pings.ownAnswered()
      if settings.pingIntervalMilliseconds == 0 { report("a pong came that nobody has asked for") }
      return
    }
    guard let (number, ping) = Pings.parse(bytes), number == session.number,
      bytes == Pings.bytes(ping, of: session)
    else { return report("a pong is not what was sent as a ping") }
    report(session.pings.answered(ping))
  }

  /// A message is about to be sent to all. Returns its number.
  func broadcasting(isText: Bool) -> Int {
    let open = sessions.filter { $0.isServer && $0.isOpen }
    for session in sessions where session.isServer { session.sentByteCount += 20 }
    broadcasts.append(Broadcast(sessions: open, isText: isText))
    return broadcasts.count - 1
  }

  func broadcastArrived(_ number: Int, isText: Bool, at session: Session) {
    note("\(session) got broadcast \(number)")
    guard number < broadcasts.count, !session.isServer else {
      return report("a message to all came that was not sent")
    }
    if broadcasts[number].isText != isText { report("a message to all came as another kind") }
    if let last = session.broadcasts.last, last >= number {
      report("a message to all came again, or late")
    }
    session.broadcasts.append(number)
  }

  /// Who is open has got all that were sent to all since then; unless too much waited, or a message
  /// was being sent in fragments.
  func checkBroadcasts() {
    for (number, broadcast) in broadcasts.enumerated() {
      for session in broadcast.sessions {
        guard let peer = session.openPeer, !session.hasSentFragments,
          !peer.broadcasts.contains(number)
        else { continue }
        let topicByteCount =
          session.hasSubscribed ? topics.reduce(0) { $0 + $1.publishedByteCount } : 0
        let mayBeFull =
          session.sentByteCount + topicByteCount > settings.queue.byteCountMax
          && (overflow != .close || session.hasSubscribed)
        if !mayBeFull { report("at rest, the \(session) has not sent a message to all") }
      }
    }
  }
}
