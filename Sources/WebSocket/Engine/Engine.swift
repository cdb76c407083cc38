internal import Reactor
internal import WebSocketProtocol

/// The WebSocket protocol of one reactor's connections: joins the reactor, which knows bytes, the
/// session, which knows RFC 6455, and the application.
final class Engine: ConnectionHandler {
  let reactor: Reactor
  let application: any Application
  /// A server's.
  let negotiator: (any Negotiator)?
  let configuration: EngineConfiguration
  /// The end of all its connections that this is.
  let role: Role
  let limits: Session.Limits
  let scratch: ThreadConfined<Scratch>

  /// What handshakes use, one after the other, and what only a client needs.
  struct Scratch: ~Copyable {
    var parser: RequestParser
    var responseParser: ResponseParser
    /// A request or a response that is being written.
    var head: [UInt8] = []
    var dateStamp = DateStamp()
    var randomness = Randomness()
    /// Of the connections that are being made, and of those that will be made anew.
    var dialers: [ConnectionID: Dialer] = [:]
    /// Of the connections whose server has refused, and whose body is still waited for.
    var refusals: [ConnectionID: BegunRefusal] = [:]
    var dialQueue: DialQueue
  }

  init(
    reactor: Reactor, application: any Application, negotiator: (any Negotiator)? = nil,
    role: Role, configuration: EngineConfiguration
  ) {
    self.reactor = reactor
    self.application = application
    self.negotiator = negotiator
    self.role = role
    self.configuration = configuration
    limits = Session.Limits(
      messageByteCountMax: configuration.messageByteCountMax,
      frameByteCountMax: configuration.frameByteCountMax)
    scratch = ThreadConfined(
      Scratch(
        parser: RequestParser(limits: configuration.handshake),
        responseParser: ResponseParser(limits: configuration.handshake),
        dialQueue: DialQueue(activeCountMax: configuration.dialCountMax)))
  }

  deinit {
    scratch.deallocate()
  }

  @inline(__always)
  func handle(_ connection: ConnectionPointer) -> Connection {
    Connection(reactor.id(of: connection))
  }

  // MARK: From the reactor

  func accepted(_ connection: ConnectionPointer, listener: Int) {
    unsafe connection.attachment.initializeMemory(
      as: WebSocketRecord.self, to: WebSocketRecord(role: .server))
    // Nothing of a topic goes before the response to the opening handshake.
    reactor.holdTopics(of: connection, true)
    reactor.setDeadline(
      on: connection, afterMilliseconds: configuration.handshakeTimeoutMilliseconds)
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
    switch connection.webSocket.phase {
    case .open: unsafe receiveFrames(bytes, on: connection)
    case .handshake: unsafe receiveHead(bytes, on: connection)
    case .raw: unsafe receiveRawFrames(bytes, on: connection)
    case .refused: unsafe receiveRefusal(bytes, on: connection)
    case .ended: break
    }
  }

  func receiveEnded(on connection: ConnectionPointer) {
    if connection.webSocket.phase == .refused { return endRefusal(connection) }
    guard connection.webSocket.phase != .handshake else {
      failDialing(connection, .closed)
      return reactor.abort(connection, reset: false)
    }
    reportClosed(connection, error: nil)
    reactor.finish(connection)
  }

  func drained(_ connection: ConnectionPointer) {
    guard connection.webSocket.flags.contains(.hasState) else { return }
    unsafe application.handle(.drained, on: handle(connection), state: connection.state)
  }

  func expired(_ connection: ConnectionPointer) {
    switch connection.webSocket.phase {
    case .handshake:
      guard reactor.canSend(on: connection) else { return handshakeExpired(connection) }
      // What has arrived in time may not have been received yet.
      reactor.examine(connection)
    case .refused: endRefusal(connection)
    case .open, .raw:
      if connection.webSocket.session.canSendData { keepAlive(connection) }
    case .ended: break
    }
  }

  func closed(_ connection: ConnectionPointer, error: SystemError?) {
    let hasOverflowed = connection.webSocket.flags.contains(.hasOverflowed)
    let reason = hasOverflowed ? .queueOverflow : error.map { ConnectionError.system($0) }
    if let reason { report(reason, on: connection) }
    reportClosed(connection, error: reason)
    freePending(connection)
    if role == .client { dialedConnectionClosed(connection, error) }
  }

  func stopping() {
    for dialer in scratch.value.dialQueue.stop() where dialer.waitsForTurn { dialer.stopped() }
    reactor.forEachConnection { connection in
      switch connection.webSocket.phase {
      case .handshake, .refused:
        failDialing(connection, .stopped)
        reactor.abort(connection, reset: false)
      case .open, .raw: close(connection, code: .goingAway, reason: "\(role) is stopping")
      case .ended: break
      }
    }
  }

  // MARK: Frames

  private func receiveFrames(
    _ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer
  ) {
    let input = unsafe withTail(bytes, of: connection)
    var span = unsafe MutableRawSpan(_unsafeBytes: input)
    var offset = 0
    do throws(ProtocolError) {
      repeat {
        while let message = connection.webSocket.session.takeShortMessage(
          in: &span, offset: &offset, limits: limits)
        {
          deliver(message.kind, span.bytes.extracting(message.payload), on: connection)
          guard connection.webSocket.phase == .open else { return }
        }
        guard
          let event = try connection.webSocket.session.next(
            in: &span, offset: &offset, limits: limits)
        else { break }
        deliver(event, in: span.bytes, on: connection)
      } while connection.webSocket.phase == .open
    } catch {
      return fail(connection, .protocolError(error), code: error.closeCode, reason: error.reason)
    }
    guard connection.webSocket.phase == .open, offset < input.count else { return }
    unsafe keep(UnsafeRawBufferPointer(rebasing: input[offset...]), of: connection)
  }

  @inline(__always)
  private func deliver(_ kind: Message.Kind, _ bytes: RawSpan, on connection: ConnectionPointer) {
    reactor.count(messages: 1)
    let message = IncomingMessage(kind, bytes: bytes)
    unsafe application.received(message, on: handle(connection), state: connection.state)
  }

  private func deliver(
    _ event: Session.Event, in bytes: RawSpan, on connection: ConnectionPointer
  ) {
    switch event {
    case .message(let kind, let range):
      deliver(kind, bytes.extracting(range), on: connection)
    case .fragment(let kind, let range, _, let isLast):
      receiveFragment(kind, bytes.extracting(range), isLast: isLast, on: connection)
    case .ping(let range):
      receivePing(bytes.extracting(range), on: connection)
    case .pong(let range):
      unsafe application.handle(
        .pong(bytes.extracting(range)), on: handle(connection), state: connection.state)
    case .close(let code, let range):
      let reason = unsafe bytes.extracting(range).withUnsafeBytes {
        unsafe String(decoding: $0, as: UTF8.self)
      }
      receiveClose(code, reason: reason, on: connection)
    }
  }

  private func receiveFragment(
    _ kind: Message.Kind, _ bytes: RawSpan, isLast: Bool, on connection: ConnectionPointer
  ) {
    let pending = unsafe pendingBytes(of: connection)
    unsafe bytes.withUnsafeBytes { unsafe pending.pointee.append($0, reactor) }
    guard isLast else { return }
    reactor.count(messages: 1)
    let message = unsafe IncomingMessage(
      kind, bytes: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(pending.pointee.bytes)))
    unsafe application.received(message, on: handle(connection), state: connection.state)
    unsafe pending.pointee.removeAll(reactor)
    releaseEmptyPending(connection)
  }

  private func receivePing(_ payload: RawSpan, on connection: ConnectionPointer) {
    unsafe application.handle(.ping(payload), on: handle(connection), state: connection.state)
    guard connection.webSocket.session.canSendData else { return }
    sendPong(payload, on: connection)
  }

  private func receiveClose(_ code: CloseCode?, reason: String, on connection: ConnectionPointer) {
    perform(connection.webSocket.session.answerClose(), on: connection)
    reportClosed(connection, code: code ?? .noStatusReceived, reason: reason, error: nil)
  }

  // MARK: Bytes that wait

  /// The bytes with the unfinished tail of the read before in front of them.
  func withTail(
    _ bytes: UnsafeMutableRawBufferPointer, of connection: ConnectionPointer
  ) -> UnsafeMutableRawBufferPointer {
    guard let pending = unsafe connection.webSocket.pending,
      unsafe pending.pointee.tailByteCount > 0
    else { return unsafe bytes }
    let start = unsafe bytes.baseAddress.unsafelyUnwrapped
    let count = unsafe pending.pointee.takeTail(before: start)
    releaseEmptyPending(connection)
    return unsafe UnsafeMutableRawBufferPointer(start: start - count, count: count + bytes.count)
  }

  private func keep(_ tail: UnsafeRawBufferPointer, of connection: ConnectionPointer) {
    unsafe pendingBytes(of: connection).pointee.keepTail(tail)
  }

  func pendingBytes(of connection: ConnectionPointer) -> PendingPointer {
    if let pending = unsafe connection.webSocket.pending { return unsafe pending }
    let pending = unsafe PendingBytes.make(reactor)
    unsafe connection.webSocket.pending = pending
    return unsafe pending
  }

  func releaseEmptyPending(_ connection: ConnectionPointer) {
    guard let pending = unsafe connection.webSocket.pending, unsafe pending.pointee.isEmpty else {
      return
    }
    freePending(connection)
  }

  func freePending(_ connection: ConnectionPointer) {
    guard let pending = unsafe connection.webSocket.pending else { return }
    unsafe PendingBytes.free(pending, reactor)
    unsafe connection.webSocket.pending = nil
  }
}
