internal import Reactor
internal import WebSocketProtocol

/// The opening handshake of a client.
extension Engine {
  /// A connection is being made for a dialer.
  func begin(_ connection: ConnectionPointer, _ dialer: Dialer) {
    unsafe connection.attachment.initializeMemory(
      as: WebSocketRecord.self, to: WebSocketRecord(role: .client))
    // What a topic's log holds are a server's frames.
    leaveTopics(connection)
    scratch.value.dialers[reactor.id(of: connection)] = dialer
  }

  func dialer(of connection: ConnectionPointer) -> Dialer? {
    scratch.value.dialers[reactor.id(of: connection)]
  }

  func connected(_ connection: ConnectionPointer) {
    guard let dialer = dialer(of: connection) else { return reactor.abort(connection) }
    dialer.connected(connection)
    scratch.value.head.removeAll(keepingCapacity: true)
    dialer.request.append(to: &scratch.value.head)
    unsafe reactor.send(scratch.value.head.span.bytes, on: connection)
  }

  /// Deals with a response if its head is there whole. Returns its length; nil if it is not whole,
  /// or the end of the attempt.
  func parseResponse(
    _ bytes: UnsafeRawBufferPointer, search: inout HeadSearch, on connection: ConnectionPointer
  ) -> Int? {
    guard let dialer = dialer(of: connection) else { return nil }
    let span = unsafe RawSpan(_unsafeBytes: bytes)
    do throws(ResponseError) {
      switch try scratch.value.responseParser.parse(
        span, search: &search, answering: dialer.request)
      {
      case .needMoreBytes:
        return nil
      case .interim(let head):
        return head.byteCount
      case .refused(let head):
        refused(connection, by: dialer, head)
        return head.byteCount
      case .upgraded(let head, let subprotocol, _):
        opened(connection, by: dialer, subprotocol: subprotocol)
        return head.byteCount
      }
    } catch {
      failDialing(connection, .invalidResponse(error))
      reactor.abort(connection)
      return nil
    }
  }

  private func opened(_ connection: ConnectionPointer, by dialer: Dialer, subprotocol: String?) {
    unsafe dialer.order.initialize(connection.state)
    opened(connection, subprotocol: subprotocol)
    // Last: on another thread, whoever waits for this goes on with a connection that is complete.
    dialer.opened(handle(connection))
    if dialer.isDone { scratch.value.dialers[reactor.id(of: connection)] = nil }
  }

  /// The opening handshake comes to nothing; the connection is to be ended.
  func failDialing(_ connection: ConnectionPointer, _ reason: ConnectFailure) {
    guard role == .client else { return }
    connection.webSocket.phase = .ended
    dialer(of: connection)?.fail(reason)
  }

  /// Closes a connection that is not made for anybody any more.
  func discard(_ connection: ConnectionPointer) {
    connection.webSocket.phase = .ended
    scratch.value.dialers[reactor.id(of: connection)] = nil
    reactor.abort(connection, reset: false)
  }

  func dialedConnectionClosed(_ connection: ConnectionPointer, _ error: SystemError?) {
    let refusal = takeRefusal(of: connection)
    guard let dialer = scratch.value.dialers.removeValue(forKey: reactor.id(of: connection)) else {
      return
    }
    // A reset in the middle of a body takes nothing from what the server has said.
    if let refusal { dialer.fail(refusal) }
    dialer.closed(connection, error)
  }

  func makeHandshakeKey() -> HandshakeKey {
    HandshakeKey(nonce: InlineArray { _ in scratch.value.randomness.next(UInt8.self) })
  }
}
