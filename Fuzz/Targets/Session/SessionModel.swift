import WebSocketProtocol

/// RFC 6455 read in the plainest way: the whole stream at hand, one frame after the other, every
/// byte by itself. It shares no code with `Session`.
struct SessionModel {
  private let script: SessionScript
  private var message: (kind: Message.Kind, bytes: [UInt8], declaredByteCount: UInt64)?
  private var isOver = false

  private(set) var heard: [Heard] = []
  private(set) var unconsumed: [UInt8] = []
  /// Every rule that the frame which ended the session breaks: which of them a session names is
  /// its own choice.
  private(set) var brokenRules: [ProtocolError] = []

  /// What has come of a message that has begun.
  var unfinished: [UInt8] { message?.bytes ?? [] }

  init(_ script: SessionScript) { self.script = script }

  mutating func read(_ wire: [UInt8]) {
    interrupt()
    var rest = wire[...]
    while !isOver, let frame = WireFrame(rest) {
      brokenRules = rulesBroken(by: frame)
      guard brokenRules.isEmpty else { break }
      guard frame.isData || frame.isComplete else { break }
      rest = rest.dropFirst(frame.byteCount)
      if frame.isData { readData(frame) } else { readControl(frame) }
      if !brokenRules.isEmpty { break }
    }
    if !brokenRules.isEmpty { end() }
    unconsumed = isOver ? [] : Array(rest)
  }

  private func rulesBroken(by frame: WireFrame) -> [ProtocolError] {
    let rules: [(ProtocolError, Bool)] = [
      (.reservedBitSet, frame.reservedBits != 0),
      (.reservedOpcode, ![0, 1, 2, 8, 9, 10].contains(frame.opcode)),
      (.frameNotMasked, script.role == .server && !frame.isMasked),
      (.frameMasked, script.role == .client && frame.isMasked),
      (.lengthNotMinimal, frame.lengthByteCount == 2 && frame.length < 126),
      (.lengthNotMinimal, frame.lengthByteCount == 8 && frame.length < 65536),
      (.lengthTooLarge, frame.length >= 1 << 63),
      (.controlFrameFragmented, !frame.isData && !frame.isFinal),
      (.controlFrameTooLong, !frame.isData && frame.length > 125),
      (.unexpectedContinuation, frame.opcode == 0 && message == nil),
      (.messageNotFinished, [1, 2].contains(frame.opcode) && message != nil),
      (.frameTooBig, frame.isData && frame.length > script.limits.frameByteCountMax),
      (.messageTooBig, frame.isData && exceedsMessageLimit(frame)),
    ]
    return rules.filter(\.1).map(\.0)
  }

  private func exceedsMessageLimit(_ frame: WireFrame) -> Bool {
    let (sum, isOverflow) =
      (message?.declaredByteCount ?? 0).addingReportingOverflow(frame.length)
    return isOverflow || sum > script.limits.messageByteCountMax
  }

  /// §5.4, §5.6, §8.1. Of the last frame of the stream, only a part may have come.
  private mutating func readData(_ frame: WireFrame) {
    var message = message ?? (kind: frame.opcode == 1 ? .text : .binary, [], 0)
    message.bytes += frame.payload
    message.declaredByteCount += frame.length
    let isFinished = frame.isFinal && frame.isComplete
    if message.kind == .text {
      let isRight =
        isFinished ? PlainText.isText(message.bytes) : PlainText.isBeginning(message.bytes)
      if !isRight {
        brokenRules = [.invalidText]
        return
      }
    }
    self.message = isFinished ? nil : message
    if isFinished { hear(Heard(message.kind, message.bytes)) }
  }

  private mutating func readControl(_ frame: WireFrame) {
    switch frame.opcode {
    case 9: hear(.ping(frame.payload))
    case 10: hear(.pong(frame.payload))
    default: readClose(frame.payload)
    }
  }

  /// §5.5.1, §7.4, and the registry that §11.7 founded.
  private mutating func readClose(_ payload: [UInt8]) {
    if payload.isEmpty {
      end()
      hear(.close(nil, reason: []))
      return
    }
    if payload.count == 1 {
      brokenRules = [.closePayloadTooShort]
      return
    }
    let code = UInt16(payload[0]) * 256 + UInt16(payload[1])
    let unassigned: Set<UInt16> = [1004, 1005, 1006, 1015]
    let isCode = (1000...1015).contains(code) && !unassigned.contains(code)
    let reason = Array(payload.dropFirst(2))
    if !isCode && !(3000...4999).contains(code) { brokenRules.append(.invalidCloseCode) }
    if !PlainText.isText(reason) { brokenRules.append(.invalidCloseReason) }
    guard brokenRules.isEmpty else { return }
    end()
    hear(.close(code, reason: reason))
  }

  private mutating func hear(_ heard: Heard) {
    self.heard.append(heard)
    interrupt()
  }

  private mutating func interrupt() {
    if case .fail = script.interruption(after: heard.count) { end() }
  }

  private mutating func end() {
    isOver = true
    message = nil
  }
}
