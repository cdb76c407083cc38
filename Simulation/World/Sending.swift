import Reactor
import WebSocket

/// Sending, with the model told of it.
extension World {
  /// Of the calling thread: 0 for another than a reactor's.
  var thread: Int { Reactor.current.map { $0.position + 1 } ?? 0 }

  /// The lane of what the calling thread sends: 0, unless it is the session's own reactor's.
  private func laneNumber(of session: Session) -> Int {
    guard let connection = session.connection, Reactor.current != nil else { return 0 }
    return unsafe connection.id.handlerOfThisThread == nil ? 0 : 1
  }

  struct Order {
    var byteCount = 100
    var isText = false
    var key: UInt64 = 0
    var hasCompletion = false
    var operation = 0
    var argument = 0
    var isPrepared = false
  }

  /// Sends a direct message. Returns what was answered; nil: the session is not open.
  @discardableResult
  func send(_ order: Order, from session: Session) -> SendResult? {
    guard session.isOpen, let connection = session.connection else { return nil }
    let laneNumber = laneNumber(of: session)
    // What one reactor's thread posts to another one's connection has no lane.
    guard laneNumber == 1 || Reactor.current == nil else { return nil }
    let lane = session.lanes[laneNumber]
    // Of what other threads send, those that are too short for a head could not be told apart.
    let isTiny =
      order.byteCount < Payload.headByteCount && laneNumber == 1 && order.operation == 0
      && session.peer != nil
    let byteCount = isTiny ? order.byteCount : max(order.byteCount, Payload.headByteCount)
    // What is sent to a subscriber behind what the same thread has published is posted, and how far
    // it lags is known to its reactor only.
    let isSubscriber = session.subscriptions.contains { $0.isWanted }
    let isPosted = laneNumber == 0 || isSubscriber
    let canVanish =
      !order.hasCompletion
      && (model.overflow == .dropOldest || model.overflow == .keepNewestPerKey
        || model.overflow == .dropNewest && isPosted && isSubscriber)
    let number = lane.add(
      byteCount: byteCount, isTiny: isTiny, canVanish: canVanish,
      hasCompletion: order.hasCompletion, isPosted: isPosted)
    let isPlain = order.operation == 0 && session.isServer
    let bytes =
      isTiny
      ? Payload.tiny(byteCount, seed: session.number)
      : Payload(
        .direct, source: session.number, lane: laneNumber, number: number,
        operation: isPlain ? Model.Marker.plain.rawValue : order.operation,
        argument: isPlain ? model.floor(thread: thread) : order.argument, byteCount: byteCount
      ).bytes
    let result = send(bytes, order, number, lane, session, connection)
    lane.answered(number, result)
    model.note("\(session) sends \(number) of lane \(laneNumber), \(byteCount) bytes: \(result)")
    let isOwed = result == .backpressure || (result == .dropped && laneNumber == 1)
    // Whatever was sent at once has left already.
    if isOwed, let queued = connection.queuedByteCount, queued > 0 || laneNumber == 0 {
      session.owesDrained = session.owesDrained || queued > 0
    }
    return result
  }

  private func send(
    _ bytes: [UInt8], _ order: Order, _ number: Int, _ lane: Lane, _ session: Session,
    _ connection: Connection
  ) -> SendResult {
    let completion = order.hasCompletion ? completion(of: number, lane, order, session) : nil
    if order.isPrepared {
      return connection.send(
        PreparedMessage(bytes.span.bytes, as: order.isText ? .text : .binary), key: order.key,
        completion: completion)
    }
    return connection.send(
      bytes.span.bytes, as: order.isText ? .text : .binary, key: order.key, completion: completion)
  }

  private func completion(
    of number: Int, _ lane: Lane, _ order: Order, _ session: Session
  ) -> SendCompletion {
    nonisolated(unsafe) let lane = lane
    nonisolated(unsafe) let session = session
    return { [unowned self] outcome in
      model.report(lane.completed(number, outcome))
      if outcome == .dropped, order.operation >= Model.Marker.hello.rawValue {
        session.isLenient = true
      }
    }
  }

  /// Sends a message in fragments. What cannot be sent now ends the connection, since nothing else
  /// could be sent on it.
  func sendFragments(_ byteCount: Int, from session: Session) {
    guard session.isOpen, let connection = session.connection, laneNumber(of: session) == 0,
      Reactor.current == nil
    else { return }
    let lane = session.lanes[0]
    session.hasSentFragments = true
    let count = max(byteCount, Payload.headByteCount)
    let number = lane.add(
      byteCount: count, isTiny: false, canVanish: false, hasCompletion: true, isPosted: true)
    let bytes = Payload(
      .direct, source: session.number, lane: 0, number: number,
      operation: session.isServer ? Model.Marker.plain.rawValue : 0,
      argument: session.isServer ? model.floor(thread: thread) : 0, byteCount: count
    ).bytes
    let cuts = [0, count / 3, count / 2, count]
    for part in 0..<3 {
      let isLast = part == 2
      let fragment = Array(bytes[cuts[part]..<cuts[part + 1]])
      let completion = completion(of: number, lane, Order(), session)
      let result = connection.sendFragment(
        fragment.span.bytes, as: .binary, isFirst: part == 0, isLast: isLast,
        completion: isLast ? completion : nil)
      if result == .backpressure { session.owesDrained = true }
      guard result == .dropped || result == .closed else { continue }
      lane.answered(number, result)
      if !isLast { model.report(lane.completed(number, .closed)) }
      // Of a message that was begun the rest is missing.
      if part > 0 { connection.close(.internalError) }
      return
    }
    lane.answered(number, .accepted)
  }

  func publish(_ topic: Int, _ byteCount: Int, _ key: UInt64, excluding: Session?) {
    guard topic < topics.count else { return }
    let payload = Payload(
      .topic, source: topic,
      number: model.publishing(
        topic, max(byteCount, Payload.headByteCount), key: key, excluding: excluding,
        thread: thread),
      byteCount: byteCount)
    let position = topics[topic].publish(
      payload.bytes.span.bytes, as: .text, key: key, excluding: excluding?.connection)
    if position.ordinal != UInt64(payload.number) { model.report("a topic counts otherwise") }
  }

  // MARK: Subscribing

  /// Subscribes, and tells the peer before from where on.
  func subscribe(_ session: Session, _ topic: Int, backBy count: Int) {
    guard session.isServer, session.isOpen, let connection = session.connection,
      session.isSubscribedByOwner == (Reactor.current != nil),
      !session.subscriptions[topic].isWanted, topic < topics.count
    else { return }
    let end = model.topics[topic].count
    let start = max(0, end - count)
    guard mark(session, .subscribed, topic, start) else { return }
    session.subscriptions[topic].reportedCount = 0
    session.subscriptions[topic].replayEnd = end
    let position = count == 0 ? nil : TopicPosition(ordinal: UInt64(start))
    model.note("\(session) subscribes to \(topic) from \(start)")
    switch connection.subscribe(to: topics[topic], from: position) {
    case .subscribed(let position):
      session.subscriptions[topic].isWanted = true
      if position.ordinal != UInt64(start) { model.report("a subscription begins elsewhere") }
    case .positionGone(let oldest):
      if count == 0 || oldest.ordinal <= UInt64(start) { model.report("a position is not kept") }
      _ = mark(session, .unsubscribed, topic, 0)
    case .closed:
      session.isLenient = true
    }
  }

  func unsubscribe(_ session: Session, _ topic: Int) {
    guard session.isServer, session.isOpen, let connection = session.connection,
      session.isSubscribedByOwner == (Reactor.current != nil),
      session.subscriptions[topic].isWanted
    else { return }
    model.note("\(session) unsubscribes from \(topic)")
    connection.unsubscribe(from: topics[topic])
    session.subscriptions[topic].isWanted = false
    if !session.isSubscribedByOwner { session.subscriptions[topic].isInexact = true }
    _ = mark(session, .unsubscribed, topic, 0)
  }

  private func mark(_ session: Session, _ marker: Model.Marker, _ topic: Int, _ ordinal: Int)
    -> Bool
  {
    let result = send(
      Order(hasCompletion: true, operation: marker.rawValue, argument: topic << 40 | ordinal),
      from: session)
    if result == .accepted || result == .backpressure { return true }
    session.isLenient = true
    return false
  }
}
