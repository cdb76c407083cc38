internal import Reactor
internal import WebSocketProtocol

/// How silent connections are kept, or given up.
///
/// A peer is silent if nothing of it has been received, it has acknowledged nothing of what it is sent,
/// and nothing of it waits to be received. Time in which this process did not look does not count.
extension Engine {
  /// Sets the deadline at which a connection is looked at next, if it is silent until then. One
  /// that is not costs nothing before.
  func watch(_ connection: ConnectionPointer) {
    watch(connection, idleMilliseconds: 0)
  }

  private func watch(_ connection: ConnectionPointer, idleMilliseconds idle: Int) {
    let (timeout, interval) =
      (configuration.idleTimeoutMilliseconds, configuration.pingIntervalMilliseconds)
    // Silent for longer than the interval, it has just been sent a ping.
    let toPing = interval > 0 ? (idle < interval ? interval - idle : interval) : Int.max
    // The first look can be compared with none: there have to be two.
    let toLook = timeout > 0 ? max(1, (idle < timeout / 2 ? timeout / 2 : timeout) - idle) : Int.max
    let next = min(toPing, toLook)
    if next != .max { reactor.setDeadline(on: connection, afterMilliseconds: next) }
  }

  /// Pings a silent connection, again and again. One that has been silent for half of the time that
  /// it has is looked at more closely.
  func keepAlive(_ connection: ConnectionPointer) {
    let idle = reactor.idleMilliseconds(of: connection)
    let timeout = configuration.idleTimeoutMilliseconds
    if timeout > 0, idle >= timeout / 2 { return reactor.examine(connection) }
    reactor.endWatching(connection)
    goOn(connection, idleMilliseconds: idle)
  }

  private func goOn(_ connection: ConnectionPointer, idleMilliseconds idle: Int) {
    let interval = configuration.pingIntervalMilliseconds
    if interval > 0, idle >= interval { sendControl(.ping, RawSpan(), on: connection) }
    watch(connection, idleMilliseconds: idle)
  }

  func examined(_ condition: ConnectionCondition, on connection: ConnectionPointer) {
    switch connection.webSocket.phase {
    case .handshake: examinedHandshake(condition, on: connection)
    case .open, .raw:
      // The closing handshake has begun since, and has a deadline of its own.
      guard connection.webSocket.session.canSendData else { return }
      examinedSilence(condition, on: connection)
    case .refused, .ended: break
    }
  }

  private func examinedSilence(
    _ condition: ConnectionCondition, on connection: ConnectionPointer
  ) {
    let isPaused = reactor.isReceivingPaused(on: connection)
    // While receiving is paused by this end, nobody can be heard. Then only bytes that stay
    // unacknowledged say that a peer has gone.
    if condition.hasTakenBytes
      || (isPaused ? !condition.hasUnacknowledgedBytes : condition.hasUnreadBytes)
    {
      reactor.noteAlive(connection)
      // A peer whose messages are not received is still sent pings: the kernel acknowledges them.
      if isPaused, configuration.pingIntervalMilliseconds > 0 {
        sendControl(.ping, RawSpan(), on: connection)
      }
      return watch(connection)
    }
    let idle = reactor.idleMilliseconds(of: connection)
    guard idle < configuration.idleTimeoutMilliseconds else {
      return fail(connection, .idleTimeout, code: .internalError, reason: "keep-alive timeout")
    }
    goOn(connection, idleMilliseconds: idle)
  }

  // MARK: Pausing

  /// Stops receiving. False: the connection does not receive.
  func pauseReceiving(on connection: ConnectionPointer) -> Bool {
    guard isOpen(connection), connection.webSocket.session.canSendData else { return false }
    reactor.pauseReceiving(on: connection)
    return true
  }

  /// Receives again. The peer's silence counts from now: its bytes have been kept waiting.
  func resumeReceiving(on connection: ConnectionPointer) -> Bool {
    guard isOpen(connection) else { return false }
    if reactor.isReceivingPaused(on: connection) {
      reactor.noteAlive(connection)
      reactor.resumeReceiving(on: connection)
    }
    return true
  }
}
