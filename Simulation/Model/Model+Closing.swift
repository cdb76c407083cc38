import WebSocket

/// Why a session may end.
struct Closing {
  struct Frame: Equatable {
    let code: CloseCode?
    let reason: String
  }

  /// What the application has asked for.
  var orders: [Frame] = []
  var errors: [ConnectionError] = []
  /// When this end first wanted to close.
  var nanoseconds: Int64?
  /// Its dial was cancelled.
  var isCancelled = false

  var isWanted: Bool { !orders.isEmpty || isCancelled }

  mutating func cancelled(atNanoseconds now: Int64) {
    isCancelled = true
    nanoseconds = nanoseconds ?? now
  }
}

/// How connections end.
extension Model {
  private static let tickNanoseconds: Int64 = 32_000_000

  /// A session is about to be closed by the application.
  func closing(_ session: Session, _ code: CloseCode?, _ reason: String) {
    note("\(session) is to close: \(code?.rawValue ?? 0), \(reason.utf8.count) bytes of a reason")
    session.closing.nanoseconds = session.closing.nanoseconds ?? now
    session.closing.orders.append(
      Closing.Frame(code: code, reason: code == nil ? "" : Self.cut(reason)))
  }

  /// As much of a reason as a close frame has room for (RFC 6455 §5.5.1), in whole characters.
  private static func cut(_ reason: String) -> String {
    var result = String.UnicodeScalarView()
    var byteCount = 0
    for scalar in reason.unicodeScalars {
      byteCount += UTF8.width(scalar)
      guard byteCount <= 123 else { break }
      result.append(scalar)
    }
    return String(result)
  }

  /// What an end may have said in its close frame of its own accord.
  private func frames(of session: Session) -> [Closing.Frame] {
    var frames = session.closing.orders
    if session.closing.isCancelled {
      frames.append(Closing.Frame(code: .normalClosure, reason: ""))
    }
    if session.isServer ? serverStop != nil : clientStop != nil {
      let who = session.isServer ? "server" : "client"
      frames.append(Closing.Frame(code: .goingAway, reason: "\(who) is stopping"))
    }
    for error in session.closing.errors {
      switch error {
      case .queueOverflow, .topicLag:
        frames.append(Closing.Frame(code: .tryAgainLater, reason: "reading too slowly"))
      case .idleTimeout:
        frames.append(Closing.Frame(code: .internalError, reason: "keep-alive timeout"))
      case .protocolError(let error):
        frames.append(Closing.Frame(code: error.closeCode, reason: error.reason))
      default: break
      }
    }
    return frames
  }

  /// What a session was told of its peer's close frame is what the peer has sent: of its own accord,
  /// or in answer, with the code that it was sent.
  func checkClosure(of session: Session) {
    guard let closure = session.closure else { return }
    guard closure.code != .abnormalClosure else {
      if closure.isClean || !closure.reason.isEmpty {
        report("closed cleanly without a close frame")
      }
      return
    }
    if !closure.isClean { report("not closed cleanly, in spite of a close frame") }
    guard let peer = session.peer else { return }
    let code = closure.code == .noStatusReceived ? nil : closure.code
    let frame = Closing.Frame(code: code, reason: closure.reason)
    let answers = frames(of: session).map { Closing.Frame(code: $0.code, reason: "") }
    if !frames(of: peer).contains(frame), !answers.contains(frame) {
      report("the \(session) was told of another close frame than was sent: \(closure)")
    }
  }

  // MARK: Timeouts

  func checkIdleTimeout(of session: Session) {
    let timeout = Int64(settings.idleTimeoutMilliseconds) * 1_000_000
    // Silence is counted in ticks.
    if timeout == 0 || now - session.heardNanoseconds < timeout - Self.tickNanoseconds {
      report("an idle timeout came early")
    }
  }

  func checkCloseTimeout(of session: Session) {
    let stop = session.isServer ? serverStop : clientStop
    guard let start = [session.closing.nanoseconds, stop].compactMap({ $0 }).min() else {
      return report("a close timeout came, and nothing was closed")
    }
    if now - start < Int64(settings.closeTimeoutMilliseconds) * 1_000_000 {
      report("a close timeout came early")
    }
  }

  /// Who has heard nothing for so long is taken for dead.
  func checkIsAlive(_ session: Session) {
    let timeout = Int64(settings.idleTimeoutMilliseconds) * 1_000_000
    guard timeout > 0 else { return }
    if now - session.heardNanoseconds > timeout + 3 * Self.tickNanoseconds {
      report("an idle timeout has not come")
    }
  }
}
