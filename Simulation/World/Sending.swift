import Reactor
import ReactorSimulation
import WebSocket

/// Sending, with the model told of it.
extension World {
  /// Whether the calling thread is that of a session's reactor.
  func isOwner(of session: Session) -> Bool {
    guard let connection = session.connection, Reactor.current != nil else { return false }
    return unsafe connection.id.handlerOfThisThread != nil
  }

  struct Order {
    var byteCount = 100
    var isText = false
    var hasCompletion = false
    var operation = 0
    var argument = 0
    var isPrepared = false
    /// What its completion does.
    var sequel = Action.Sequel.nothing
    /// Nil: the one of its thread.
    var lane: Int?
  }

  /// Sends a direct message. Returns what was answered; nil: the session is not open.
  @discardableResult
  func send(_ order: Order, from session: Session) -> SendResult? {
    guard session.isOpen, let connection = session.connection else { return nil }
    let (thread, isOwner) = (thread, isOwner(of: session))
    let laneNumber = order.lane ?? session.laneNumber(thread: thread, isOwner: isOwner)
    let lane = session.lanes[laneNumber]
    // Of what other threads send, those that are too short for a head could not be told apart; nor
    // those that may be lost without anybody being told, of those that may not.
    let isLossTold =
      order.hasCompletion || model.overflow == .close
      || model.overflow == .dropNewest && !session.hasSubscribed
    let isTiny =
      order.byteCount < Payload.headByteCount && laneNumber == 1 && order.operation == 0
      && session.peer != nil && isLossTold
    let byteCount = isTiny ? order.byteCount : max(order.byteCount, Payload.headByteCount)
    // What is sent to a subscriber behind what the same thread has published is posted, and how far
    // it lags is known to its reactor only.
    let number = add(
      byteCount, to: laneNumber, of: session, isTiny: isTiny, isText: order.isText,
      isPosted: !isOwner || session.hasSubscribed, hasCompletion: order.hasCompletion)
    let isPlain = order.operation == 0 && session.isServer
    let bytes =
      isTiny
      ? Payload.tiny(byteCount, seed: session.number)
      : Payload(
        .direct, isText: order.isText, source: session.number, lane: laneNumber, number: number,
        operation: isPlain ? Model.Marker.plain.rawValue : order.operation,
        argument: isPlain ? model.floor(thread: thread, session) : order.argument,
        byteCount: byteCount
      ).bytes
    let (lossCount, sequelCount) = (session.lossCount, session.sequelCount)
    let drainedCount = session.drainedCount
    session.callers.append(thread)
    let result = send(bytes, order, number, lane, session, connection)
    session.callers.removeLast()
    lane.answered(number, result)
    // What completions send in the meantime may take the room that was made.
    if result == .dropped, model.overflow == .dropOldest, isOwner,
      session.lossCount > lossCount + (order.hasCompletion ? 1 : 0),
      session.sequelCount == sequelCount
    {
      model.report("others were dropped for a message that was dropped all the same")
    }
    model.note("\(session) sends \(number) of lane \(laneNumber), \(byteCount) bytes: \(result)")
    if result == .dropped, model.overflow == .close, isOwner, !session.hasSubscribed {
      model.report("dropped, although the policy is to close")
    }
    noteBackpressure(result, session, connection, drainedCount)
    return result
  }

  /// Sends a message back as it lies in the buffer that it has come in. On the reactor's thread.
  func echo(_ payload: Payload, _ message: borrowing IncomingMessage, _ session: Session) {
    guard session.isOpen, let connection = session.connection else { return }
    let laneNumber = session.laneNumber(thread: thread, isOwner: true)
    let lane = session.lanes[laneNumber]
    let drainedCount = session.drainedCount
    let number = add(
      message.byteCount, to: laneNumber, of: session, isText: message.isText,
      isPosted: session.hasSubscribed, hasCompletion: false)
    session.echoes[[payload.lane, payload.number]] = (lane, number)
    session.callers.append(thread)
    let result = connection.send(message.bytes, as: message.kind)
    session.callers.removeLast()
    lane.answered(number, result)
    model.note("\(session) echoes as \(number) of lane \(laneNumber): \(result)")
    noteBackpressure(result, session, connection, drainedCount)
  }

  /// Notes a message that is about to be sent. Returns its number in its lane.
  func add(
    _ byteCount: Int, to laneNumber: Int, of session: Session, isTiny: Bool = false, isText: Bool,
    isPosted: Bool, isFragmented: Bool = false, hasCompletion: Bool
  ) -> Int {
    // Each fragment has a header of its own.
    let frameByteCount =
      Frame.byteCount(byteCount, isMasked: !session.isServer)
      + byteCount / fragmentByteCountMax * 14
    session.sendCount += 1
    session.sentByteCount += frameByteCount
    session.longestByteCount = max(session.longestByteCount, frameByteCount)
    return session.lanes[laneNumber].add(
      Lane.Entry(
        byteCount: byteCount, isTiny: isTiny, isText: isText, order: session.sendCount,
        isPosted: isPosted, isFragmented: isFragmented, hasCompletion: hasCompletion,
        mayMeetFragments: isPosted && mayMeetFragments(session)))
  }

  /// Whether the thread that sends a message in fragments may have sent some, and not all.
  private func mayMeetFragments(_ session: Session) -> Bool {
    guard let fragments = session.fragments else { return false }
    return fragments.isSpread || simulation.isPreempted
  }

  /// `drained` is owed from now on, if an answer says so, and it has not been called more often than
  /// before that call.
  func noteBackpressure(
    _ result: SendResult, _ session: Session, _ connection: Connection, _ drainedCount: Int
  ) {
    guard result == .backpressure || result == .dropped, drainedCount == session.drainedCount
    else { return }
    // Whatever was sent at once has left already.
    if let queued = connection.queuedByteCount, queued > 0 { session.owesDrained = true }
  }

  private func send(
    _ bytes: [UInt8], _ order: Order, _ number: Int, _ lane: Lane, _ session: Session,
    _ connection: Connection
  ) -> SendResult {
    let completion = order.hasCompletion ? completion(of: number, lane, order, session) : nil
    if order.isPrepared {
      return connection.send(
        PreparedMessage(bytes.span.bytes, as: order.isText ? .text : .binary),
        completion: completion)
    }
    return connection.send(
      bytes.span.bytes, as: order.isText ? .text : .binary, completion: completion)
  }

  func completion(
    of number: Int, _ lane: Lane, _ order: Order, _ session: Session
  ) -> SendCompletion {
    nonisolated(unsafe) let lane = lane
    nonisolated(unsafe) let session = session
    return { [unowned self] outcome in
      model.completed(number, outcome, of: lane, of: session)
      if outcome == .dropped { session.lossCount += 1 }
      if outcome != .sent, order.operation >= Model.Marker.hello.rawValue {
        session.isLenient = true
      }
      follow(order.sequel, session)
    }
  }

  /// What a completion does: on whatever thread it is called.
  private func follow(_ sequel: Action.Sequel, _ session: Session) {
    // What is sent in the middle of a call that was made in the middle of a call may overtake either:
    // there is no lane for it.
    guard session.callers.count(where: { $0 == thread }) < 2 else { return }
    if sequel != .nothing { session.sequelCount += 1 }
    switch sequel {
    case .nothing: break
    case .send: send(Order(byteCount: 700, isText: true), from: session)
    case .sendWithCompletion:
      send(Order(byteCount: 70, hasCompletion: true, sequel: .send), from: session)
    case .ping: ping(session, byteCount: 60)
    case .close: close(session, .normalClosure, reason: "in a completion")
    }
  }

  func ping(_ session: Session, byteCount: Int) {
    guard session.isOpen, let connection = session.connection else { return }
    let laneNumber = session.laneNumber(thread: thread, isOwner: isOwner(of: session))
    let ping = session.pings.next(laneNumber, byteCount: byteCount)
    let result = connection.ping(Pings.bytes(ping, of: session).span.bytes)
    model.note("\(session) pings \(ping.number) of lane \(laneNumber): \(result)")
    switch result {
    case .closed: break
    case .accepted, .backpressure: session.pings.add(ping)
    case .dropped: model.report("a ping was dropped")
    }
  }

  func close(_ session: Session, _ code: CloseCode?, reason: String) {
    guard session.isOpen, let connection = session.connection else { return }
    model.closing(session, code, reason)
    connection.close(code, reason: reason)
  }

  func publish(
    _ topic: Int, _ byteCount: Int, isText: Bool, _ key: UInt64, excluding: Session?
  ) {
    guard topic < topics.count else { return }
    let byteCount = max(byteCount, Payload.headByteCount)
    let payload = Payload(
      .topic, isText: isText, source: topic,
      number: model.publishing(
        topic, byteCount, isText: isText, key: key, excluding: excluding, thread: thread),
      byteCount: byteCount)
    let position = topics[topic].publish(
      payload.bytes.span.bytes, as: isText ? .text : .binary, key: key,
      excluding: excluding?.connection)
    if position.ordinal != UInt64(payload.number) { model.report("a topic counts otherwise") }
  }

  func broadcast(isText: Bool) {
    guard let server, !isServerStopped else { return }
    let bytes = Broadcast.bytes(model.broadcasting(isText: isText))
    if isText {
      server.broadcast(String(decoding: bytes, as: UTF8.self))
    } else {
      server.broadcast(bytes)
    }
  }
}
