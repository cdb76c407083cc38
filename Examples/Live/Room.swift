import ExampleSupport
import WebSocket

/// The chat room: a topic whose last messages are kept, so that nobody finds it empty, and so that
/// a page that lost its connection misses nothing.
///
/// A page knows its position by counting: `joined` tells it the first one, and every message of the
/// room is one more. That is why what a visitor says comes back to the visitor as well.
struct Room: Sendable {
  private static let historyByteCount = 64 << 10
  private static let lagByteCountMax = 256 << 10
  /// How many earlier messages somebody new is shown.
  private static let shownMessageCount: UInt64 = 30

  let topic: Topic
  /// Positions of another run of the server mean nothing in this one.
  let run = WallClock.milliseconds()

  init(in topics: TopicRegistry) {
    // Whoever reads too slowly stays, and is told how much is left out.
    let options = TopicOptions(
      historyByteCount: Self.historyByteCount,
      lag: .skipOldest(beyondByteCount: Self.lagByteCountMax), isKept: true)
    topic = topics.topic("room", options: options)
  }

  func join(
    _ connection: Connection, _ visitor: inout Visitor, as name: VisitorName,
    resuming resumption: Request.Resumption?
  ) throws(Refusal) {
    guard visitor.name == nil else { throw Refusal("you are in the room already") }
    visitor.name = name
    subscribe(connection, resuming: resumption)
    topic.publish(Event.entered(visitor, name))
  }

  func rename(_ visitor: inout Visitor, to name: VisitorName) throws(Refusal) {
    guard let old = visitor.name else { throw Refusal("you are not in the room") }
    guard name != old else { return }
    visitor.name = name
    topic.publish(Event.renamed(visitor, name, from: old))
  }

  func say(_ text: ChatText, _ visitor: Visitor) throws(Refusal) {
    guard let name = visitor.name else { throw Refusal("you are not in the room") }
    topic.publish(Event.said(visitor, name, text))
  }

  func leave(_ visitor: Visitor) {
    guard let name = visitor.name else { return }
    topic.publish(Event.left(visitor, name))
  }

  private func subscribe(_ connection: Connection, resuming resumption: Request.Resumption?) {
    let end = topic.endPosition.ordinal
    var start = end - min(end, Self.shownMessageCount)
    var isResumed = false
    if let resumption, resumption.run == run, resumption.position.ordinal <= end {
      start = resumption.position.ordinal
      isResumed = true
    }
    // The position goes first: the room's messages follow it at once. What is found to have gone
    // was the oldest a moment ago, so this ends soon.
    while true {
      let position = TopicPosition(ordinal: start)
      connection.send(Event.joined(at: position, isResumed: isResumed))
      guard case .positionGone(let oldest) = connection.subscribe(to: topic, from: position)
      else { return }
      start = max(oldest.ordinal, start + 1)
      isResumed = false
    }
  }
}
