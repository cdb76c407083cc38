internal import Reactor
internal import WebSocketProtocol

/// What a server answers instead of 101. The start of the body often says why, so a client waits for
/// it a little.
extension Engine {
  /// The head of a refusal and what has come of its body.
  struct BegunRefusal {
    let head: ResponseHead
    var body: ResponseBodyStart

    init(_ head: ResponseHead) {
      self.head = head
      body = ResponseBodyStart(of: head, byteCountMax: Refusal.bodyByteCountMax)
    }
  }

  /// The head of a refusal has come.
  func refused(_ connection: ConnectionPointer, by dialer: Dialer, _ head: ResponseHead) {
    let refusal = BegunRefusal(head)
    scratch.value.refusals[reactor.id(of: connection)] = refusal
    guard !refusal.body.isComplete else { return endRefusal(connection) }
    connection.webSocket.phase = .refused
    let milliseconds = min(dialer.remainingMilliseconds, Refusal.bodyMillisecondsMax)
    reactor.setDeadline(on: connection, afterMilliseconds: milliseconds)
  }

  /// Takes bytes of its body.
  func receiveRefusal(
    _ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer
  ) {
    let id = reactor.id(of: connection)
    unsafe scratch.value.refusals[id]?.body.append(
      RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)))
    if scratch.value.refusals[id]?.body.isComplete ?? true { endRefusal(connection) }
  }

  /// No more of the body is waited for.
  func endRefusal(_ connection: ConnectionPointer) {
    if let reason = takeRefusal(of: connection) { failDialing(connection, reason) }
    // Nothing of ours is on its way that a reset could make the server lose.
    reactor.abort(connection, reset: false)
  }

  /// With what has come of the body; nil if the server has not refused.
  func takeRefusal(of connection: ConnectionPointer) -> ConnectFailure? {
    scratch.value.refusals.removeValue(forKey: reactor.id(of: connection)).map {
      .refused(Refusal(head: $0.head, bodyStart: $0.body.bytes))
    }
  }
}
