import Reactor
import ReactorSimulation
import WebSocket

/// Subscribing, with the peer told of it before.
extension World {
  /// Subscribes, and tells the peer before from where on.
  func subscribe(_ session: Session, _ topic: Int, backBy count: Int) {
    // Between the fragments of a message the peer could not be told.
    guard mayChangeSubscriptions(of: session), session.fragments == nil,
      let connection = session.connection, topic < topics.count,
      !session.subscriptions[topic].isWanted
    else { return }
    let end = model.topics[topic].count
    let start = max(0, end - count)
    session.hasSubscribed = true
    // What the subscription before has missed may be told after this call.
    if session.subscriptions[topic].openEndCount > 0 {
      session.subscriptions[topic].isInexact = true
    }
    guard mark(session, .subscribed, topic, start) else { return }
    session.subscriptions[topic].reportedCount = 0
    session.subscriptions[topic].replayEnd = end
    let position = count == 0 ? nil : TopicPosition(ordinal: UInt64(start))
    model.note("\(session) subscribes to \(topic) from \(start)")
    session.subscribingCount += 1
    defer { noteSubscribed(session) }
    switch connection.subscribe(to: topics[topic], from: position) {
    case .subscribed(let position):
      session.subscriptions[topic].isWanted = true
      if position.ordinal != UInt64(start) { model.report("a subscription begins elsewhere") }
    case .positionGone(let oldest):
      if count == 0 { model.report("the end of a topic is not kept") }
      model.positionGone(topic, start, oldest: oldest.ordinal)
      session.subscriptions[topic].openEndCount += 1
      _ = mark(session, .unsubscribed, topic, 0)
    case .tooMany: model.report("so few subscriptions are too many")
    case .closed:
      session.isLenient = true
    }
  }

  /// What was asked for before has come to the reactor when this has.
  private func noteSubscribed(_ session: Session) {
    guard !session.isSubscribedByOwner else { return session.subscribingCount -= 1 }
    nonisolated(unsafe) let session = session
    _ = session.connection?.withState(as: Int.self) { _ in session.subscribingCount -= 1 }
  }

  func unsubscribe(_ session: Session, _ topic: Int) {
    guard mayChangeSubscriptions(of: session), let connection = session.connection,
      session.subscriptions[topic].isWanted
    else { return }
    model.note("\(session) unsubscribes from \(topic)")
    connection.unsubscribe(from: topics[topic])
    session.subscriptions[topic].isWanted = false
    session.subscriptions[topic].openEndCount += 1
    if !session.isSubscribedByOwner { session.subscriptions[topic].isInexact = true }
    // Between fragments there can be no mark: what had been published before may still come then,
    // or be missed.
    if session.fragments == nil { _ = mark(session, .unsubscribed, topic, 0) }
  }

  /// One thread only changes them.
  private func mayChangeSubscriptions(of session: Session) -> Bool {
    session.isServer && session.isOpen
      && (session.isSubscribedByOwner ? isOwner(of: session) : Reactor.current == nil)
  }

  /// Notes what a handler is told of a gap. Half of them tell the peer, which then has to be right when
  /// it counts.
  func lagged(_ session: Session, _ topic: Int, _ gap: TopicGap) {
    model.lagged(session, topic, gap)
    guard session.tellsGaps else { return }
    session.subscriptions[topic].toldGaps.append(gap)
    // It goes in front of what the same thread has posted before.
    _ = mark(
      session, .gap, topic, Int(gap.nextPosition.ordinal), lane: Session.announcementLane)
  }

  private func mark(
    _ session: Session, _ marker: Model.Marker, _ topic: Int, _ ordinal: Int, lane: Int? = nil
  ) -> Bool {
    // What it says of the topic is to be true still when the subscription is asked for.
    let preemption = simulation.faults.preemption
    simulation.faults.preemption = 0
    defer { simulation.faults.preemption = preemption }
    let result = send(
      Order(
        hasCompletion: true, operation: marker.rawValue, argument: topic << 40 | ordinal,
        lane: lane),
      from: session)
    if result == .accepted || result == .backpressure { return true }
    session.isLenient = true
    return false
  }
}
