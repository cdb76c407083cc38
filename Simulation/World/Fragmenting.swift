import Reactor
import WebSocket

/// Messages in fragments, from the session's reactor's thread or from one that is no reactor's.
extension World {
  /// Begins a message of `count` fragments. If `isSlow`, the reactor's thread sends one fragment in each
  /// pass. With a malformation, the message is sent as a text and is not valid UTF-8.
  func sendFragments(
    _ byteCount: Int, count: Int, isText: Bool, isSlow: Bool = false,
    malformation: Malformation? = nil, from session: Session
  ) {
    let isOwner = isOwner(of: session)
    guard session.isOpen, session.fragments == nil,
      session.isFragmentedByOwner ? isOwner : Reactor.current == nil
    else { return }
    let byteCount = max(byteCount, Payload.headByteCount)
    // Without one, a fragment may be sent where it stands.
    let hasCompletion = byteCount % 4 != 3
    let laneNumber = session.laneNumber(thread: thread, isOwner: isOwner)
    let number = add(
      byteCount, to: laneNumber, of: session, isText: isText,
      isPosted: !isOwner || session.hasSubscribed, isFragmented: count > 1, hasCompletion: false)
    var bytes = Payload(
      .direct, isText: isText, source: session.number, lane: laneNumber, number: number,
      operation: session.isServer ? Model.Marker.plain.rawValue : 0,
      argument: session.isServer ? model.floor(thread: thread, session) : 0,
      byteCount: byteCount
    ).bytes
    var ends = (1...count).map { byteCount * $0 * $0 / (count * count) }
    if let malformation {
      malformation.spoil(&bytes, ends: &ends)
      session.hasSentMalformed = true
    }
    model.note("\(session) sends \(number) of lane \(laneNumber) in \(count) fragments")
    session.hasSentFragments = session.hasSentFragments || count > 1
    session.fragments = Fragments(
      lane: session.lanes[laneNumber], number: number, bytes: bytes, isText: isText,
      ends: ends, thread: thread,
      isSlow: isSlow && isOwner, hasCompletion: hasCompletion)
    if isSlow, isOwner { session.spreadFragments() }
    continueFragments(of: session)
  }

  /// Sends what is left of a message, as far as there is room.
  func continueFragments(of session: Session) {
    while session.isOpen, let fragments = session.fragments, fragments.thread == thread {
      let result = sendNext(fragments, of: session)
      // Its completions may have closed the connection.
      guard session.fragments != nil else { return }
      switch result {
      case .accepted, .backpressure:
        session.fragments?.sentCount += 1
        guard fragments.isLast else { break }
        fragments.lane.answered(fragments.number, .accepted)
        session.fragments = nil
      case .dropped where fragments.sentCount > 0:
        // It can be sent again: when all has left, or by the next action.
        return session.spreadFragments()
      case .dropped, .closed:
        fragments.lane.answered(fragments.number, result)
        session.fragments = nil
      }
      if session.fragments?.isSlow ?? false { return continueLater(session) }
    }
  }

  private func sendNext(_ fragments: Fragments, of session: Session) -> SendResult {
    guard let connection = session.connection else { return .closed }
    let attempt = Attempt()
    nonisolated(unsafe) let (lane, session) = (fragments.lane, session)
    let number = fragments.number
    let completion: SendCompletion = { [unowned self] outcome in
      // That of the last one is the message's.
      if attempt.isCompleted(outcome), attempt.isLast {
        model.completed(number, outcome, of: lane, of: session)
      }
    }
    let drainedCount = session.drainedCount
    session.callers.append(fragments.thread)
    let result = connection.sendFragment(
      Array(fragments.next).span.bytes, as: fragments.isText ? .text : .binary,
      isFirst: fragments.sentCount == 0, isLast: fragments.isLast,
      completion: fragments.hasCompletion ? completion : nil)
    session.callers.removeLast()
    model.note("\(session) sends fragment \(fragments.sentCount) of \(number): \(result)")
    noteBackpressure(result, session, connection, drainedCount)
    guard fragments.hasCompletion else { return result }
    if result == .dropped || result == .closed {
      if attempt.outcome == nil {
        model.report("the completion of a refused fragment is not called")
      }
    } else if fragments.isLast {
      lane.expectCompletion(number)
      attempt.isLast = true
      if let outcome = attempt.outcome {
        model.completed(number, outcome, of: lane, of: session)
      }
    }
    return result
  }

  /// A call that sends a fragment, which is refused at once or completed some time.
  private final class Attempt: @unchecked Sendable {
    private(set) var outcome: SendOutcome?
    var isLast = false

    /// False: it was before.
    func isCompleted(_ outcome: SendOutcome) -> Bool {
      defer { self.outcome = outcome }
      return self.outcome == nil
    }
  }

  private func continueLater(_ session: Session) {
    nonisolated(unsafe) let session = session
    _ = session.connection?.withState(as: Int.self) { [unowned self] _ in
      continueFragments(of: session)
    }
  }

  /// What a thread that is no reactor's has not been able to send before.
  func resendFragments() {
    for session in model.sessions where session.fragments?.thread == 0 {
      continueFragments(of: session)
    }
  }
}
