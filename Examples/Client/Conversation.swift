import ExampleSupport
import Synchronization
import WebSocket

/// What the reactor's thread, which has the connections, and the input's tell each other.
final class Conversation: Sendable {
  /// So many bytes may be on their way to the kernel: fewer than the connection's queue takes.
  private static let byteCountMax = 512 << 10

  private struct State {
    /// The one that is open.
    var connection: Connection?
    var bytesOnTheirWay = 0
    /// When something has been sent or has arrived.
    var lastMoment = ContinuousClock.now
    var lostCount = 0
    /// This end has nothing more to say.
    var isOver = false
    /// What else went wrong.
    var problem: String?
    /// Why there will be no other connection; empty if all went well.
    var ending: String?
    /// Counts changes, so that none is missed between looking and waiting.
    var changeCount = 0
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  // MARK: From the reactor

  func opened(_ connection: Connection) {
    change { $0.connection = connection }
  }

  func closed(_ closure: Closure, reconnects: Bool) {
    let isWanted = state.withLock { $0.isOver } || closure.code == .normalClosure
    let text = isWanted && closure.isClean ? "" : "the connection has ended: \(closure.text)"
    change { state in
      state.connection = nil
      if !reconnects || isWanted { state.ending = text }
    }
    if reconnects, !isWanted { Console.errors.print("client: \(text)") }
  }

  func attemptFailed(_ failure: ConnectFailure, retryMilliseconds: Int?) {
    if let retryMilliseconds {
      return Console.errors.print(
        "client: \(failure.text); next attempt in \(retryMilliseconds) ms")
    }
    change { $0.ending = failure.text }
  }

  func received() {
    let now = ContinuousClock.now
    state.withLock { $0.lastMoment = now }
  }

  /// Nobody wants to read what arrives.
  func outputFailed() {
    change { $0.ending = "what arrives cannot be written" }
  }

  // MARK: From the input

  func inputFailed() {
    change { state in
      state.problem = "the input is not UTF-8: --binary sends it as it is"
    }
  }

  /// Sends a message, once there is room for it, on the connection that is open then. False: there
  /// will be none.
  func send(
    byteCount: Int, _ send: @Sendable (Connection, @escaping SendCompletion) -> Void
  ) async -> Bool {
    let connection = await value { state -> Connection?? in
      if state.ending != nil { return .some(nil) }
      let count = state.bytesOnTheirWay
      guard let connection = state.connection,
        count == 0 || count + byteCount <= Self.byteCountMax
      else { return nil }
      state.bytesOnTheirWay += byteCount
      return connection
    }
    guard let connection else { return false }
    send(connection) { outcome in
      self.change { state in
        state.bytesOnTheirWay -= byteCount
        if outcome != .sent { state.lostCount += 1 }
      }
    }
    return true
  }

  /// Closes the connection, behind all that has been sent, once nothing has arrived for a while.
  func close(afterIdle idle: Duration) async {
    let connection = await value { state -> Connection?? in
      if state.ending != nil { return .some(nil) }
      guard let connection = state.connection, state.bytesOnTheirWay == 0 else { return nil }
      return connection
    }
    guard let connection else { return }
    received()
    var idleTime: Duration { ContinuousClock.now - state.withLock { $0.lastMoment } }
    while idleTime < idle { try? await Task.sleep(for: idle - idleTime) }
    state.withLock { $0.isOver = true }
    connection.close()
  }

  /// Waits until there is nothing left to do.
  ///
  /// - Returns: what went wrong; empty: nothing.
  func end() async -> String {
    let (ending, problem, lostCount) = await value { state in
      state.ending.map { ($0, state.problem ?? "", state.lostCount) }
    }
    let loss = lostCount > 0 ? "\(lostCount) messages were lost with a connection" : ""
    return [ending, problem, loss].filter { !$0.isEmpty }.joined(separator: "; ")
  }

  // MARK: Waiting

  /// Waits until `body` makes something of the state.
  private func value<Value: Sendable>(_ body: (inout State) -> Value?) async -> Value {
    while true {
      let (value, seenCount) = state.withLock { (body(&$0), $0.changeCount) }
      if let value { return value }
      await withCheckedContinuation { continuation in
        let hasChanged = state.withLock { state in
          guard state.changeCount == seenCount else { return true }
          state.waiting.append(continuation)
          return false
        }
        if hasChanged { continuation.resume() }
      }
    }
  }

  private func change(_ body: (inout State) -> Void) {
    let waiting = state.withLock { state in
      body(&state)
      state.changeCount += 1
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
