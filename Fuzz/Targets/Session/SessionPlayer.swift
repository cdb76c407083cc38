import WebSocketProtocol

/// Plays a stream to a session as an engine does: what one read leaves stands in front of the next.
struct SessionPlayer: ~Copyable {
  private let script: SessionScript
  private var session: Session
  private var outcome = SessionOutcome()
  /// The kind of the message of which some pieces have come.
  private var unfinishedKind: Message.Kind?
  private var deliveredByteCount = 0
  /// Whether nothing may be heard any more.
  private var isOver = false

  private init(_ script: SessionScript) {
    self.script = script
    session = Session(role: script.role)
  }

  static func play(
    _ wire: [UInt8], by script: SessionScript, in reads: Reads
  ) -> SessionOutcome {
    var player = SessionPlayer(script)
    player.interrupt()
    for piece in reads.pieces(of: wire.count) { player.receive(wire[piece]) }
    promise("no more bytes come out than went in", player.deliveredByteCount <= wire.count)
    player.outcome.closeHandshake = player.session.closeHandshake
    player.checkSilence(after: wire)
    return player.outcome
  }

  private mutating func receive(_ bytes: ArraySlice<UInt8>) {
    let presented = outcome.unconsumed + bytes
    var buffer = HeapBytes(presented)
    var offset = 0
    do {
      while let event = try next(in: &buffer, &offset) {
        promise("nothing is heard after the end", !isOver)
        hear(event, in: buffer)
      }
    } catch {
      promise("nothing is wrong after the end", !isOver)
      promise("an error consumes everything", offset, equals: presented.count)
      outcome.error = error
      _ = session.fail(with: error.closeCode)
      end()
    }
    if isOver { promise("everything is ignored", offset, equals: presented.count) }
    outcome.unconsumed = buffer.array(offset..<presented.count)
    promise("what is left is as it came", outcome.unconsumed[...], equals: presented[offset...])
    promise(
      "what is left is bounded", outcome.unconsumed.count <= Session.unconsumedByteCountMax)
  }

  private mutating func next(
    in buffer: inout HeapBytes, _ offset: inout Int
  ) throws(ProtocolError) -> Session.Event? {
    let before = offset
    var span = buffer.mutableSpan
    let short = session.takeShortMessage(in: &span, offset: &offset, limits: script.limits)
    let event =
      if let short {
        Session.Event.message(short.kind, short.payload)
      } else {
        try session.next(in: &span, offset: &offset, limits: script.limits)
      }
    promise("the offset moves on", before <= offset && offset <= buffer.byteCount)
    return event
  }

  private mutating func hear(_ event: Session.Event, in buffer: borrowing HeapBytes) {
    switch event {
    case .message(let kind, let range):
      promise("no message inside another one", unfinishedKind == nil)
      hear(Heard(kind, payload(range, in: buffer)))
    case .fragment(let kind, let range, let isFirst, let isLast):
      promise("only the first piece begins a message", isFirst, equals: unfinishedKind == nil)
      promise("all pieces are of one kind", unfinishedKind ?? kind, equals: kind)
      promise("first and last is a message", !(isFirst && isLast))
      promise("only the last piece is empty", isLast || !range.isEmpty)
      outcome.unfinished += payload(range, in: buffer)
      unfinishedKind = kind
      if isLast { finishMessage(kind) }
    case .ping(let range): hear(.ping(payload(range, in: buffer)))
    case .pong(let range): hear(.pong(payload(range, in: buffer)))
    case .close(let code, let range):
      let reason = payload(range, in: buffer)
      promise("a reason is text", PlainText.isText(reason))
      end()
      hear(.close(code?.rawValue, reason: reason))
      _ = session.answerClose()
      promise("a close frame has been sent", !session.canSendData)
    }
  }

  private mutating func payload(_ range: Range<Int>, in buffer: borrowing HeapBytes) -> [UInt8] {
    deliveredByteCount += range.count
    return buffer.array(range)
  }

  private mutating func finishMessage(_ kind: Message.Kind) {
    let bytes = outcome.unfinished
    outcome.unfinished = []
    unfinishedKind = nil
    hear(Heard(kind, bytes))
  }

  private mutating func hear(_ heard: Heard) {
    switch heard {
    case .text(let bytes): promise("a text is text", PlainText.isText(bytes))
    case .ping(let bytes), .pong(let bytes): promise("it is short", bytes.count <= 125)
    case .binary, .close: break
    }
    outcome.heard.append(heard)
    interrupt()
  }

  private mutating func interrupt() {
    switch script.interruption(after: outcome.heard.count) {
    case .close: _ = session.close(with: .normalClosure)
    case .fail:
      _ = session.fail(with: .goingAway)
      end()
    case nil: break
    }
  }

  private mutating func end() {
    isOver = true
    outcome.unfinished = []
    unfinishedKind = nil
  }

  /// Plays the stream once more to a session that has ended.
  private mutating func checkSilence(after wire: [UInt8]) {
    guard isOver else { return }
    let outcome = outcome
    receive(wire[...])
    promise("nothing follows the end", self.outcome, equals: outcome)
  }
}
