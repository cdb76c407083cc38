import WebSocket

/// A place that one connection has after the other.
final class Slot: Sendable {
  let number: Int
  let kind: Kind
  let url: String
  private let token: String?
  private let report: Report
  private let progress = ConditionLock(Progress())

  struct Progress {
    var phase = Phase.idle
    var generation: UInt64 = 0
    var since = ContinuousClock.now
  }

  enum Phase {
    case idle
    /// Whether the server is to refuse it.
    case dialing(isUnwelcome: Bool)
    case open(Connection, Conversation)
    /// Close has been called.
    case ending
  }

  init(number: Int, kind: Kind, port: UInt16, token: String?, report: Report) {
    self.number = number
    self.kind = kind
    self.token = token
    self.report = report
    url = "ws://127.0.0.1:\(port)"
  }

  var isOpen: Bool {
    progress.withLock { if case .open = $0.phase { true } else { false } }
  }

  var isIdle: Bool {
    progress.withLock { if case .idle = $0.phase { true } else { false } }
  }

  /// Open, and nothing is on its way.
  var isSettled: Bool {
    progress.withLock { if case .open(_, let talk) = $0.phase { talk.isSettled } else { false } }
  }

  // MARK: The driver's turns

  /// Connects if need be, and says nothing. The ping is there so that a server's reactors are all in the same state,
  /// whenever it is looked at: those that hear nothing for two seconds give their receive buffers back.
  func hold(_ client: Client<Slot>) {
    let connection: Connection? = progress.withLock {
      if case .open(let connection, _) = $0.phase { connection } else { nil }
    }
    if let connection { _ = connection.ping() } else { step(client, mayEnd: false) }
  }

  /// Does what is next: connects, says something, or ends.
  func step(_ client: Client<Slot>) { step(client, mayEnd: true) }

  private func step(_ client: Client<Slot>, mayEnd: Bool) {
    let dials = progress.withLock { progress -> Bool in
      switch progress.phase {
      case .idle:
        progress.generation += 1
        var random = SeededGenerator(seed: progress.generation << 32 | UInt64(number))
        let isUnwelcome = kind == .auth && mayEnd && Int.random(in: 0..<3, using: &random) == 0
        progress.phase = .dialing(isUnwelcome: isUnwelcome)
        progress.since = .now
        return true
      case .open(let connection, let talk) where mayEnd:
        if talk.mayEnd {
          end(connection, &progress)
        } else if talk.remainingCount > 0 {
          talk.act(connection)
          progress.since = .now
        } else if ContinuousClock.now - progress.since > .seconds(60) {
          talk.find("an answer is lost")
          end(connection, &progress)
        }
        return false
      case .dialing, .ending:
        if ContinuousClock.now - progress.since > .seconds(90) {
          report.find("\(kind) \(number): stuck in \(progress.phase)")
          progress.since = .now
        }
        return false
      case .open: return false
      }
    }
    if dials { dial(client) }
  }

  /// Ends whatever is under way.
  func end() {
    progress.withLock { progress in
      if case .open(let connection, _) = progress.phase { end(connection, &progress) }
    }
  }

  private func end(_ connection: Connection, _ progress: inout Progress) {
    progress.phase = .ending
    progress.since = .now
    connection.close()
  }

  private func dial(_ client: Client<Slot>) {
    let isUnwelcome = progress.withLock {
      if case .dialing(let isUnwelcome) = $0.phase { isUnwelcome } else { false }
    }
    var options = DialOptions()
    options.connectTimeoutMilliseconds = 60_000
    options.attemptFailed = { [self] failure, _ in attemptFailed(failure) }
    let target = kind.conversation.target(token: isUnwelcome ? "wrong" : token)
    do {
      try client.connect(to: url + target, options: options, state: self)
    } catch {
      report.find("\(url)\(target): \(error)")
    }
  }

  // MARK: The reactors' calls

  func opened(_ connection: Connection) {
    report.count { $0.openedCount += 1 }
    progress.withLock { progress in
      if case .dialing(true) = progress.phase {
        report.find("\(kind) \(number): let in with a wrong token")
      }
      let seed = progress.generation << 32 | UInt64(number) ^ 0xFF
      let name = "s\(number)x\(progress.generation)"
      let talk = kind.conversation.init(name: name, seed: seed, report: report)
      progress.phase = .open(connection, talk)
      talk.opened(connection)
    }
  }

  func received(_ message: borrowing IncomingMessage, on connection: Connection) {
    report.count { $0.receivedCount += 1 }
    progress.withLock { progress in
      // What comes after our close frame is none of our business.
      if case .open(_, let talk) = progress.phase { talk.received(message, on: connection) }
    }
  }

  func closed(_ closure: Closure) {
    report.count { $0.endedCount += 1 }
    progress.withLock { progress in
      if case .ending = progress.phase, closure.isClean {
      } else {
        report.find("\(kind) \(number): ended with \(closure) in \(progress.phase)")
      }
      progress.phase = .idle
    }
  }

  private func attemptFailed(_ failure: ConnectFailure) {
    progress.withLock { progress in
      if case .dialing(true) = progress.phase, case .refused(let refusal) = failure,
        refusal.status == .unauthorized
      {
        report.count { $0.refusedCount += 1 }
      } else {
        report.find("\(kind) \(number): \(failure)")
      }
      progress.phase = .idle
    }
  }
}
