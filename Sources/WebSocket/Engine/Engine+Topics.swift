internal import Reactor
internal import WebSocketProtocol

/// What topics mean to a WebSocket connection.
extension Engine {
  /// Queues what the connection's topics have for it, since a message of its own comes behind that.
  /// What they have counts as if it were queued already: the answer if there is no room.
  func refusal(
    _ byteCount: Int, behindTopicsOf connection: ConnectionPointer
  ) -> QueueAdmission? {
    guard !reactor.fold(connection, before: byteCount) else { return nil }
    if reactor.dropOldest(behindTopicsOf: connection, for: byteCount) {
      // Completions of what was dropped may have ended it, or sent something else.
      guard reactor.canSend(on: connection) else { return .closed }
      if reactor.fold(connection, before: byteCount) { return nil }
    }
    reactor.reportBackpressure(on: connection)
    return reactor.configuration.queue.overflow == .close ? .overflow : .dropped
  }

  /// Nothing of a topic goes behind a close frame.
  func leaveTopics(_ connection: ConnectionPointer) {
    reactor.leaveTopics(connection)
  }

  /// A frame that the application has made itself, by its first byte: what holds for the fragments
  /// and close frames of the engine holds for its own.
  func noteFrame(_ firstByte: UInt8, on connection: ConnectionPointer) {
    let opcode = Opcode(rawValue: firstByte & 0x0F)
    if opcode == .close {
      leaveTopics(connection)
    } else if firstByte & 0x08 == 0, !connection.webSocket.flags.contains(.isSendingFragments) {
      reactor.holdTopics(of: connection, firstByte & 0x80 == 0)
    }
  }

  func skipped(_ gap: LogGap, of log: TopicLog, on connection: ConnectionPointer) {
    guard connection.webSocket.flags.contains(.hasState), let topic = log as? Topic else { return }
    unsafe application.handle(
      .lagged(TopicGap(gap, of: topic)), on: handle(connection), state: connection.state)
  }

  func lagged(behind log: TopicLog, on connection: ConnectionPointer) {
    guard isOpen(connection) else { return }
    leaveTopics(connection)
    fail(connection, .topicLag, code: .tryAgainLater, reason: "reading too slowly")
  }

  func send(
    _ message: PreparedMessage, completion: SendCompletion?,
    on connection: ConnectionPointer
  ) -> SendResult {
    guard role == .server else {
      return message.bytes.withBytes { frame in
        let (opcode, payload) = Self.parts(of: frame)
        return send(
          opcode, frame.extracting(payload), kind: .message, completion: completion,
          on: connection)
      }
    }
    let bytes = message.bytes
    if bytes.byteCount > configuration.fragmentByteCountMax,
      let pieces = pieces(bytes.withBytes { Self.parts(of: $0).1.count })
    {
      return sendFragments(pieces, of: bytes, completion: completion, on: connection)
    }
    let admission = admit(bytes.byteCount, kind: .message, to: connection)
    if let refusal = refuse(admission, completion, on: connection) { return refusal }
    reactor.enqueue(
      bytes, completion: completion, on: connection, isDroppable: reactor.dropsSends)
    return admission == .accepted ? .accepted : .backpressure
  }
}
