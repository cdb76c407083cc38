public import Reactor
public import WebSocketProtocol

/// A connection, to be kept and used anywhere: a small value that keeps nothing alive.
///
/// Everything here may be called from any thread and never blocks. Once the connection has gone, it
/// says so; it never reaches another one. What one thread sends to a connection arrives in its order, but for pings and
/// pongs, which need not wait for all of a long message. How that stands to messages of topics is said at `Topic`.
public struct Connection: Sendable, Hashable {
  /// The connection's name in its reactor. Any thread.
  public let id: ConnectionID

  init(_ id: ConnectionID) {
    self.id = id
  }

  /// Whether the connection exists. It may be gone by the time the answer is looked at.
  public var isOpen: Bool { id.isOpen }

  /// The peer's address. Nil: the connection has gone, or it is a client's, and its reactor has
  /// connected to more than 4,096 different addresses.
  public var remoteAddress: SocketAddress? { id.peerAddress }

  /// This end's address. Nil: the connection has gone, or it is a server's, and its reactor has
  /// accepted connections at more than 4,096 different addresses.
  public var localAddress: SocketAddress? { id.localAddress }

  /// The subprotocol that was chosen in the opening handshake, if any.
  public var subprotocol: String? { id.label }

  /// Bytes that wait to be sent. Nil: the connection has gone.
  public var queuedByteCount: Int? { id.queuedByteCount }

  /// Sends a text message.
  ///
  /// - Parameters:
  ///   - text: the message.
  ///   - completion: called on the reactor's thread when the message is in the kernel, or never
  ///     will be.
  /// - Returns: what became of it so far.
  @discardableResult
  public func send(
    _ text: String, completion: SendCompletion? = nil
  ) -> SendResult {
    unsafe send(text.utf8.span.bytes, as: .text, completion: completion)
  }

  /// Sends a binary message. See `send(_:completion:)`.
  @discardableResult
  public func send(
    _ bytes: [UInt8], completion: SendCompletion? = nil
  ) -> SendResult {
    unsafe send(bytes.span.bytes, as: .binary, completion: completion)
  }

  /// Sends a message that has arrived, here or on another connection, with its kind.
  @discardableResult
  public func send(
    _ message: borrowing IncomingMessage, completion: SendCompletion? = nil
  ) -> SendResult {
    send(message.bytes, as: message.kind, completion: completion)
  }

  /// Sends a message: in one frame, or in fragments if it is longer than `fragmentByteCountMax` of the configuration,
  /// with nothing but pings and pongs between. Bytes sent as text must be UTF-8, or the peer will fail the connection.
  @discardableResult
  public func send(
    _ bytes: RawSpan, as kind: Message.Kind, completion: SendCompletion? = nil
  ) -> SendResult {
    if completion == nil, let result = sendShort(bytes, kind) { return result }
    return send(kind.opcode, bytes, .message, completion: completion)
  }

  /// Sends one fragment of a message (RFC 6455 §5.4), the first of them with `isFirst`, the last
  /// with `isLast`.
  ///
  /// Until the last one, no other message can be sent on the connection: `.closed` on its reactor's
  /// thread, and for completions. Pings, pongs and closing are not affected. Fragments are to be
  /// sent to a connection by one thread: those of two would be taken for one message.
  ///
  /// A fragment that is `.dropped` can be sent again. One that was posted from another thread and
  /// is dropped only when it arrives there, by whatever policy, closes the connection as an
  /// overflow: the message would have a hole. If it is the first, all of the message is lost, as the
  /// completions tell, and the connection goes on.
  @discardableResult
  public func sendFragment(
    _ bytes: RawSpan, as kind: Message.Kind, isFirst: Bool, isLast: Bool,
    completion: SendCompletion? = nil
  ) -> SendResult {
    let sendKind: SendKind =
      switch (isFirst, isLast) {
      case (true, true): .message
      case (true, false): .firstFragment
      case (false, false): .middleFragment
      case (false, true): .lastFragment
      }
    let opcode = isFirst ? kind.opcode : .continuation
    return send(opcode, bytes, sendKind, completion: completion)
  }

  /// Sends a ping, with up to 125 bytes that the pong brings back. More bytes end the process with a
  /// text that says so. The queue's limits do not apply to it. It goes between the fragments of a long
  /// message that waits, and so may overtake what was sent before.
  @discardableResult
  public func ping(_ payload: RawSpan = RawSpan()) -> SendResult {
    checkControlPayload("ping", payload)
    return send(.ping, payload, .control, completion: nil)
  }

  /// Sends a pong that nobody asked for: a heartbeat in one direction (RFC 6455 §5.5.3). Its payload is
  /// as that of a ping, and it goes where a ping goes.
  @discardableResult
  public func pong(_ payload: RawSpan = RawSpan()) -> SendResult {
    checkControlPayload("pong", payload)
    return send(.pong, payload, .control, completion: nil)
  }

  /// Sends a frame as the header says, whatever that is: for those who do the protocol themselves.
  /// The payload is masked if the header has a key; `payloadLength` must be the payload's.
  @discardableResult
  public func sendFrame(_ header: FrameHeader, _ payload: RawSpan) -> SendResult {
    guard header.payloadLength == UInt64(payload.byteCount) else {
      misuse(
        "Connection.sendFrame is given a header whose payloadLength is \(header.payloadLength), and a "
          + "payload of \(payload.byteCount) bytes. The two must be equal.")
    }
    if let result = directly({ $0.sendFrame(header, payload, on: $1) }) { return result }
    let byteCount = header.encodedByteCount + payload.byteCount
    return post(byteCount, kind: .raw, completion: nil) {
      unsafe PostedChunk(byteCount: byteCount, kind: SendKind.raw.rawValue) {
        unsafe Engine.encode(header, payload, into: $0)
      }
    }
  }

  /// Begins the closing handshake (RFC 6455 §7.1.2), behind what has been sent before. Nothing can
  /// be sent afterwards. Does nothing if it has begun already, by either end: a client that is to
  /// reconnect (`DialOptions.reconnect`) then does so. What ends that for sure is `Dial.cancel`.
  ///
  /// - Parameters:
  ///   - code: 1000 by default. Nil: a close frame without a code. One that no close frame may carry
  ///     is replaced (`CloseCode.forWire`), so that `closure.code` of another connection can be given
  ///     as it is: 1005 by no code, 1006, 1015 and all others by 1011.
  ///   - reason: for people; cut to 123 bytes of UTF-8. Without a code it is left out.
  public func close(_ code: CloseCode? = .normalClosure, reason: String = "") {
    let code = code?.forWire
    let isDone: Void? = directly { $0.close($1, code: code, reason: reason) }
    guard isDone == nil else { return }
    var number = code?.rawValue ?? 0
    let text = reason.utf8.prefix(ClosePayload.reasonByteCountMax + 4)
    let chunk = unsafe PostedChunk(byteCount: 2 + text.count, kind: SendKind.close.rawValue) {
      memory in
      unsafe withUnsafeBytes(of: &number) { unsafe memory.copyMemory(from: $0) }
      unsafe UnsafeMutableRawBufferPointer(rebasing: memory[2...]).copyBytes(from: text)
    }
    if !id.post(chunk) { chunk.drop(.closed) }
  }

  /// Stops receiving, so that a peer that sends faster than its messages can be dealt with has to wait:
  /// what it sends stays in the kernel, and then at its end. Messages that have been received by then
  /// are still delivered: 512 KiB at most (`ReactorConfiguration.largeReceiveBufferByteCount`), and with
  /// io_uring up to 2 MiB more (twice `receiveBufferCount` times `receiveBufferByteCount`).
  ///
  /// Meanwhile the peer's silence ends nothing, and pings go on. The connection ends if the peer
  /// acknowledges nothing of what it is sent for the idle timeout, and at once if it resets it. The
  /// peer's close frame and FIN are noticed after `resumeReceiving`. `close` resumes.
  ///
  /// Any thread; behind what this thread has sent. Calls are not counted: one `resumeReceiving` ends
  /// any number of these.
  ///
  /// - Returns: false: the connection has gone.
  @discardableResult
  public func pauseReceiving() -> Bool {
    onOwnerOrLater { _ = $0.pauseReceiving(on: $1) }
  }

  /// Receives again after `pauseReceiving`. Any thread.
  ///
  /// - Returns: false: the connection has gone.
  @discardableResult
  public func resumeReceiving() -> Bool {
    onOwnerOrLater { _ = $0.resumeReceiving(on: $1) }
  }

  /// Has `body` called with the connection's state, on its reactor's thread, behind what this
  /// thread has sent to it. Never at once, not even on that thread: a handler's call may have the
  /// state in its hands. False: the connection has gone. If it goes before its reactor comes to it,
  /// `body` is not called.
  ///
  /// `State` must be the handler's: another one ends the process with a text that says so.
  @discardableResult
  public func withState<State>(
    as type: State.Type = State.self, _ body: @escaping @Sendable (inout State) -> Void
  ) -> Bool {
    guard id.isOpen else { return false }
    return id.execute { call in
      if call == .run { onOwner { $0.withState(of: $1, body) } }
    }
  }

  private func checkControlPayload(_ name: String, _ payload: RawSpan) {
    guard payload.byteCount <= 125 else {
      misuse(
        "Connection.\(name) is given \(payload.byteCount) bytes. A \(name) carries at most 125 "
          + "(RFC 6455 §5.5).")
    }
  }

  // MARK: Both ways

  /// The most common case by a shortcut: a short message that meets no limit, on the connection's
  /// own reactor's thread. Nil: it is not that case, and nothing has happened.
  @inline(__always)
  private func sendShort(_ bytes: RawSpan, _ kind: Message.Kind) -> SendResult? {
    guard bytes.byteCount <= 125, let handler = unsafe id.handlerOfThisThread else { return nil }
    return unsafe Unmanaged<Engine>.fromOpaque(handler)._withUnsafeGuaranteedRef { engine in
      guard let connection = engine.reactor.connection(id) else { return nil }
      return engine.sendShortMessage(kind.opcode, bytes, on: connection)
    }
  }

  private func send(
    _ opcode: Opcode, _ payload: RawSpan, _ kind: SendKind,
    completion: SendCompletion?
  ) -> SendResult {
    let result = directly(isOrdered: kind != .control) {
      $0.send(opcode, payload, kind: kind, completion: completion, on: $1)
    }
    if let result { return result }
    let byteCount = FrameEncoder.byteCount(payloadByteCount: payload.byteCount, isMasked: false)
    return post(byteCount, kind: kind, completion: completion) {
      unsafe PostedChunk(
        byteCount: byteCount, headroom: id.isOutgoing ? MaskingKey.byteCount : 0,
        kind: kind.rawValue, completion: completion
      ) {
        unsafe Engine.encode(opcode, payload, kind, into: $0)
      }
    }
  }

  func post(
    _ byteCount: Int, kind: SendKind, completion: SendCompletion?, makeChunk: () -> PostedChunk
  ) -> SendResult {
    let admission = kind == .control ? .accepted : id.admission(of: byteCount)
    switch admission {
    case .accepted, .acceptedWithBackpressure:
      let chunk = makeChunk()
      guard id.post(chunk, reportsBackpressure: admission == .acceptedWithBackpressure) else {
        chunk.drop(.closed)
        return .closed
      }
      return admission == .accepted ? .accepted : .backpressure
    case .dropped, .overflow:
      id.reportRefusal()
      completion?(.dropped)
      return .dropped
    case .closed:
      completion?(.closed)
      return .closed
    }
  }

  /// Calls `body` on the thread of the connection's reactor, unless what is to be sent must come
  /// behind something that is still on its way: see `Reactor.mustPost`.
  func directly<Result>(
    isOrdered: Bool = true, _ body: (Engine, ConnectionPointer) -> Result
  ) -> Result? {
    let result: Result?? = onOwner { engine, connection in
      isOrdered && engine.reactor.mustPost(to: connection) ? nil : body(engine, connection)
    }
    return result ?? nil
  }

  /// Calls `body` at once if the calling thread is that of the connection's reactor, later otherwise.
  /// False: the connection has gone.
  private func onOwnerOrLater(
    _ body: @escaping @Sendable (Engine, ConnectionPointer) -> Void
  ) -> Bool {
    if onOwner(body) != nil { return true }
    guard id.isOpen else { return false }
    return id.execute { call in
      if call == .run { onOwner(body) }
    }
  }

  /// Calls `body` if the calling thread is that of the connection's reactor and the connection is
  /// there.
  @discardableResult
  func onOwner<Result>(_ body: (Engine, ConnectionPointer) -> Result) -> Result? {
    guard let handler = unsafe id.handlerOfThisThread else { return nil }
    return unsafe Unmanaged<Engine>.fromOpaque(handler)._withUnsafeGuaranteedRef { engine in
      engine.reactor.connection(id).map { body(engine, $0) }
    }
  }
}
