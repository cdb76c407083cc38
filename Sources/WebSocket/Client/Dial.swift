internal import Reactor
public import WebSocketProtocol

/// A connection that is being made, and with `DialOptions.reconnect` is made anew as often as it
/// is needed. Any thread. Nobody needs to keep it.
public final class Dial: Sendable {
  /// What the URL says that `Client.connect` was given.
  public let url: WebSocketURL
  let reactor: Reactor
  private let group: ReactorGroup
  private let progress = ConditionLock(Progress())

  private struct Progress {
    /// The newest connection that was opened.
    var connection: Connection?
    /// Why none was opened, and none will be.
    var failure: ConnectFailure?
    var isCancelled = false
    /// As long as there may be more to do.
    var dialer: Dialer?
    var waiting: [CheckedContinuation<Result<Connection, ConnectFailure>, Never>] = []

    var result: Result<Connection, ConnectFailure>? {
      connection.map { .success($0) } ?? failure.map { .failure($0) }
    }
  }

  init(url: WebSocketURL, reactor: Reactor, group: ReactorGroup) {
    self.url = url
    self.reactor = reactor
    self.group = group
  }

  /// The newest connection that was opened; it may have gone. Nil: none was so far.
  public var connection: Connection? { progress.withLock { $0.connection } }

  /// Waits until the first connection is open. Blocks, so it is not for a handler: on a thread of the
  /// client's own it would wait for itself, so there it ends the process with a text that says so.
  ///
  /// - Returns: the connection; with reconnecting, the newest one.
  /// - Throws: why there was none, and no further attempt follows.
  public func waitUntilOpen() throws(ConnectFailure) -> Connection {
    group.checkIsOutside("Dial.waitUntilOpen")
    return try progress.wait { $0.result }.get()
  }

  /// As `waitUntilOpen`, without blocking. When the task is cancelled, so is this.
  public func open() async throws(ConnectFailure) -> Connection {
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result = progress.withLock { progress in
          let result = progress.result
          if result == nil { progress.waiting.append(continuation) }
          return result
        }
        if let result { continuation.resume(returning: result) }
      }
    } onCancel: {
      cancel()
    }
    return try result.get()
  }

  /// Ends it: the attempt that is under way, all further ones, and the connection if it is open
  /// (with 1000). With reconnecting this alone ends it for sure: `Connection.close` comes too late
  /// for it if the peer has ended the connection first. Never blocks.
  public func cancel() {
    let (dialer, connection) = progress.withLock { progress in
      progress.isCancelled = true
      return (progress.dialer, progress.connection)
    }
    guard let dialer else {
      connection?.close()
      return
    }
    reactor.execute { call in
      if call == .run { dialer.cancel() }
    }
  }

  // MARK: For the dialer

  /// False: it has been cancelled before it began.
  func begin(_ dialer: Dialer) -> Bool {
    progress.withLock { progress in
      if !progress.isCancelled { progress.dialer = dialer }
      return !progress.isCancelled
    }
  }

  func opened(_ connection: Connection, isLast: Bool) {
    settle { progress in
      progress.connection = connection
      if isLast { progress.dialer = nil }
    }
  }

  /// Nothing follows any more.
  func ended(_ failure: ConnectFailure) {
    settle { progress in
      progress.dialer = nil
      progress.failure = failure
    }
  }

  private func settle(_ change: (inout Progress) -> Void) {
    var waiting: [CheckedContinuation<Result<Connection, ConnectFailure>, Never>] = []
    var result: Result<Connection, ConnectFailure>?
    progress.change { progress in
      change(&progress)
      result = progress.result
      swap(&waiting, &progress.waiting)
    }
    guard let result else { return }
    for continuation in waiting { continuation.resume(returning: result) }
  }
}
