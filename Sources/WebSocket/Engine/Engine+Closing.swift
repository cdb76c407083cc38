internal import Reactor
internal import WebSocketProtocol

/// How connections end.
extension Engine {
  /// Begins the closing handshake, unless it has begun.
  func close(_ connection: ConnectionPointer, code: CloseCode?, reason: String) {
    guard isOpen(connection) else { return }
    if role == .client { dialer(of: connection)?.isEnded = true }
    perform(connection.webSocket.session.close(with: code), on: connection, reason: reason)
  }

  /// Gives a connection up: tells the application why, and the peer if there is a code to tell it
  /// with.
  func fail(
    _ connection: ConnectionPointer, _ error: ConnectionError, code: CloseCode?, reason: String = ""
  ) {
    report(error, on: connection)
    let action = connection.webSocket.session.fail(with: code ?? .internalError)
    if code != nil {
      perform(action, on: connection, reason: reason)
    } else {
      connection.webSocket.phase = .ended
      reactor.abort(connection)
    }
    reportClosed(connection, error: error)
  }

  func perform(
    _ action: CloseHandshake.Action, on connection: ConnectionPointer, reason: String = ""
  ) {
    switch action {
    case .none:
      break
    case .sendClose(let code):
      sendClose(code, reason: reason, on: connection)
      // The answer has to be read.
      reactor.resumeReceiving(on: connection)
      reactor.awaitAnswer(
        on: connection, milliseconds: configuration.closeTimeoutMilliseconds)
    case .sendCloseThenEnd(let code):
      sendClose(code, reason: reason, on: connection)
      end(connection)
    case .end:
      end(connection)
    }
  }

  /// The peer has not answered our close frame in time, or has not even taken it. What it has
  /// acknowledged is its own: a reset might take that away.
  func sendingExpired(_ condition: ConnectionCondition, on connection: ConnectionPointer) {
    guard isOpen(connection) else {
      // Both have said that they close, and the server ends the connection (RFC 6455 §7.1.1); this one
      // does not.
      return reactor.abort(connection, reset: condition.hasUnacknowledgedBytes)
    }
    report(.closeTimeout, on: connection)
    connection.webSocket.phase = .ended
    reactor.abort(connection, reset: condition.hasUnacknowledgedBytes)
    reportClosed(connection, error: .closeTimeout)
  }

  func isOpen(_ connection: ConnectionPointer) -> Bool {
    connection.webSocket.phase == .open || connection.webSocket.phase == .raw
  }

  func report(_ error: ConnectionError, on connection: ConnectionPointer) {
    guard connection.webSocket.flags.contains(.hasState) else { return }
    unsafe application.handle(.failed(error), on: handle(connection), state: connection.state)
  }

  /// Tells the application, once, that the connection has ended otherwise than by an answered close
  /// frame. A handler of frames may have seen the peer's without answering it.
  func reportClosed(_ connection: ConnectionPointer, error: ConnectionError?) {
    let code = connection.webSocket.session.closeHandshake.connectionCloseCode
    reportClosed(connection, code: code, reason: "", error: error)
  }

  /// Tells the application, once, that the connection has ended.
  func reportClosed(
    _ connection: ConnectionPointer, code: CloseCode, reason: String, error: ConnectionError?
  ) {
    connection.webSocket.phase = .ended
    connection.webSocket.canSendMessages = false
    leaveTopics(connection)
    guard connection.webSocket.flags.contains(.hasState) else { return }
    connection.webSocket.flags.remove(.hasState)
    let closure = Closure(
      code: code, reason: reason, isClean: connection.webSocket.session.closeHandshake.isClean,
      error: error)
    unsafe application.closed(handle(connection), closure, state: connection.state)
    // From now on the dialer has to do with the next connection only; this one may take its time.
    if role == .client {
      scratch.value.dialers.removeValue(forKey: reactor.id(of: connection))?
        .connectionEnded(closure)
    }
  }

  private func end(_ connection: ConnectionPointer) {
    connection.webSocket.canSendMessages = false
    leaveTopics(connection)
    connection.webSocket.phase = .ended
    reactor.finish(connection)
  }
}
