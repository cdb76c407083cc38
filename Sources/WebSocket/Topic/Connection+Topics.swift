public import Reactor

/// What became of a wish to subscribe.
public enum Subscribing: Sendable, Equatable {
  /// The connection is sent all messages from this one on.
  case subscribed(at: TopicPosition)
  /// The position is not kept any more, or has not come yet; this is the oldest that is kept.
  case positionGone(oldest: TopicPosition)
  /// The connection has as many subscriptions as `ReactorConfiguration.subscriptionCountMax` allows,
  /// those included that other threads have asked for and that are on their way.
  case tooMany
  /// The connection has gone, or is a client's: those have no topics.
  case closed
}

extension Connection {
  /// Subscribes to a topic. Any thread; never blocks.
  ///
  /// The connection is sent all that is published from now on, by whatever thread; or, with a
  /// position, from there on, as far as the topic keeps it, without gap or repetition. A closed
  /// connection leaves all its topics. Nothing changes if it is subscribed already; but on another
  /// thread than its reactor's, the answer may be `.tooMany` then.
  ///
  /// - Parameters:
  ///   - topic: the topic.
  ///   - position: where to begin, if not at the end.
  ///   - lag: what happens if the peer reads too slowly, if not what the topic says.
  /// - Returns: where it begins.
  @discardableResult
  public func subscribe(
    to topic: Topic, from position: TopicPosition? = nil, lag: LagPolicy? = nil
  ) -> Subscribing {
    guard !id.isOutgoing else { return .closed }
    return switch id.subscribe(to: topic, from: position?.ordinal, lag: lag) {
    case .subscribed(let ordinal): .subscribed(at: TopicPosition(ordinal: ordinal))
    case .positionGone(let oldest): .positionGone(oldest: TopicPosition(ordinal: oldest))
    case .tooMany: .tooMany
    case .closed: .closed
    }
  }

  /// Leaves a topic. What this thread has published before is still sent, unless the peer lags by
  /// more than the connection's queue may hold, or nothing of topics may be sent just now: between
  /// fragments, before the opening handshake is done, while the past is being replayed, or in
  /// `lagged`. Any thread; never blocks.
  public func unsubscribe(from topic: Topic) {
    id.unsubscribe(from: topic)
  }

  /// The topics that the connection is subscribed to. On its reactor's thread, that is in its
  /// handler's calls; nil on any other, and when it has gone.
  public var topics: [Topic]? {
    onOwner { engine, connection in
      var topics: [Topic] = []
      engine.reactor.forEachTopic(of: connection) { log in
        if let topic = log as? Topic { topics.append(topic) }
      }
      return topics
    }
  }
}
