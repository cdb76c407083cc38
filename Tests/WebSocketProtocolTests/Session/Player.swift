import Testing
import WebSocketProtocol

/// Plays bytes to a session as an engine does: what is left of one read stands in front of the next.
struct Player: ~Copyable {
  private var session: Session
  private let limits: Session.Limits
  private let usesShortcut: Bool
  private var unconsumed: [UInt8] = []
  private var partial: (kind: Message.Kind, bytes: [UInt8])?
  private(set) var outcome = Outcome()

  init(_ script: Script, usesShortcut: Bool) {
    session = Session(role: script.role)
    limits = script.limits
    self.usesShortcut = usesShortcut
  }

  /// Plays a script, cut into one read for each range between two of the ascending `cuts`: with and
  /// without the shortcut for short messages, which must come to the same.
  static func play(_ script: Script, cuts: [Int] = []) -> Outcome {
    let outcome = play(script, cuts: cuts, usesShortcut: true)
    #expect(outcome == play(script, cuts: cuts, usesShortcut: false))
    return outcome
  }

  private static func play(_ script: Script, cuts: [Int], usesShortcut: Bool) -> Outcome {
    var player = Player(script, usesShortcut: usesShortcut)
    var start = 0
    for cut in cuts + [script.bytes.count] {
      player.receive(script.bytes[start..<cut])
      start = cut
    }
    return player.outcome
  }

  /// Plays one read.
  mutating func receive(_ bytes: ArraySlice<UInt8>) {
    var buffer = unconsumed + bytes
    var offset = 0
    do {
      while let event = try next(in: &buffer, &offset) {
        #expect(outcome.error == nil, "an event after an error")
        hear(event, in: buffer)
      }
    } catch {
      #expect(outcome.error == nil, "a second error")
      outcome.error = error
      #expect(offset == buffer.count, "an error consumes everything")
    }
    unconsumed = Array(buffer[offset...])
    #expect(unconsumed.count <= Session.unconsumedByteCountMax)
  }

  private mutating func next(
    in buffer: inout [UInt8], _ offset: inout Int
  ) throws(ProtocolError) -> Session.Event? {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    if usesShortcut,
      let message = session.takeShortMessage(in: &bytes, offset: &offset, limits: limits)
    {
      return .message(message.kind, message.payload)
    }
    return try session.next(in: &bytes, offset: &offset, limits: limits)
  }

  private mutating func hear(_ event: Session.Event, in buffer: [UInt8]) {
    switch event {
    case .message(let kind, let range):
      #expect(partial == nil, "a message inside another one")
      finish(kind, Array(buffer[range]))
    case .fragment(let kind, let range, let isFirst, let isLast):
      #expect(isFirst == (partial == nil))
      #expect(!(isFirst && isLast), "that is a message")
      #expect(isLast || !range.isEmpty, "a piece of nothing")
      #expect(partial == nil || partial?.kind == kind)
      let bytes = (partial?.bytes ?? []) + buffer[range]
      partial = isLast ? nil : (kind, bytes)
      if isLast { finish(kind, bytes) }
    case .ping(let range): outcome.events.append(.ping(Array(buffer[range])))
    case .pong(let range): outcome.events.append(.pong(Array(buffer[range])))
    case .close(let code, let reason):
      let reason = String(decoding: buffer[reason], as: UTF8.self)
      outcome.events.append(.close(code?.rawValue, reason: reason))
    }
  }

  private mutating func finish(_ kind: Message.Kind, _ bytes: [UInt8]) {
    switch kind {
    case .text:
      let text = String(validating: bytes, as: UTF8.self)
      #expect(text != nil, "a text that is not UTF-8")
      outcome.events.append(.text(text ?? ""))
    case .binary: outcome.events.append(.binary(bytes))
    }
  }
}
