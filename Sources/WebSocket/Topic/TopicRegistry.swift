internal import Reactor

/// Topics by their names. Any thread.
public final class TopicRegistry: Sendable {
  private let entries = ConditionLock<[[UInt8]: Entry]>([:])

  private struct Entry {
    weak var topic: Topic?
    /// Only if the topic is to stay.
    var kept: Topic?
  }

  /// Without topics: each is made when it is first asked for. Any thread.
  public init() {}

  /// The topic with a name, made if there is none.
  ///
  /// - Parameters:
  ///   - name: as UTF-8.
  ///   - options: for a topic that is made; one that exists keeps its own.
  /// - Returns: the same topic for the same name, as long as it exists.
  public func topic(_ name: String, options: TopicOptions = TopicOptions()) -> Topic {
    topic(bytes: Array(name.utf8), options: options)
  }

  /// The topic with a name of any bytes, made if there is none. See `topic(_:options:)`.
  public func topic(bytes name: [UInt8], options: TopicOptions = TopicOptions()) -> Topic {
    entries.withLock { entries in
      if let topic = entries[name]?.topic { return topic }
      let topic = Topic(name: name, options: options, registry: self)
      entries[name] = Entry(topic: topic, kept: options.isKept ? topic : nil)
      return topic
    }
  }

  /// The topic with a name, if there is one.
  public func existingTopic(_ name: String) -> Topic? {
    existingTopic(bytes: Array(name.utf8))
  }

  /// The topic with a name of any bytes, if there is one.
  public func existingTopic(bytes name: [UInt8]) -> Topic? {
    entries.withLock { $0[name]?.topic }
  }

  /// How many topics there are.
  public var count: Int { entries.withLock { $0.count } }

  /// Lets go of a topic that was made to stay. It goes when nobody holds it and nobody is
  /// subscribed.
  public func release(_ topic: Topic) {
    // Both are let go of outside of the lock: one may be the last that holds its topic, and then
    // the topic's end takes the lock.
    let held = entries.withLock { entries -> (Topic?, Topic?) in
      guard let known = entries[topic.name]?.topic, known === topic else {
        return (entries[topic.name]?.topic, nil)
      }
      defer { entries[topic.name]?.kept = nil }
      return (known, entries[topic.name]?.kept)
    }
    _ = held
  }

  /// A topic has gone. Another one may have its name by now.
  func removeIfGone(_ name: [UInt8]) {
    // Let go of outside of the lock: whoever holds that other one may do so at this moment, and the
    // end of a topic takes the lock.
    let other = entries.withLock { entries -> Topic? in
      guard let entry = entries[name] else { return nil }
      if let topic = entry.topic { return topic }
      entries[name] = nil
      return nil
    }
    _ = other
  }
}

extension Server {
  /// The topic with a name, made if there is none. See `TopicRegistry.topic`.
  public func topic(_ name: String, options: TopicOptions = TopicOptions()) -> Topic {
    topics.topic(name, options: options)
  }

  /// The topic with a name of any bytes, made if there is none.
  public func topic(bytes name: [UInt8], options: TopicOptions = TopicOptions()) -> Topic {
    topics.topic(bytes: name, options: options)
  }

  /// The topic with a name, if there is one.
  public func existingTopic(_ name: String) -> Topic? {
    topics.existingTopic(name)
  }
}
