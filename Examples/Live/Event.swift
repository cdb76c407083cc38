import ExampleSupport
import WebSocket

/// What the page is told, as text messages.
enum Event {
  // MARK: To one page

  /// The first message of each connection: who it is, and which run of the server this is.
  static func welcome(_ visitor: Visitor, run: UInt64) -> String {
    write(["type": "welcome", "id": .number(visitor.number), "run": .number(run)])
  }

  /// What follows is the room's messages from this position on.
  static func joined(at position: TopicPosition, isResumed: Bool) -> String {
    write([
      "type": "joined", "position": .number(position.ordinal), "resumed": isResumed ? 1 : 0,
    ])
  }

  /// So many of the room's messages are left out here.
  static func missed(_ count: Int) -> String {
    write(["type": "missed", "count": .number(UInt64(max(0, count)))])
  }

  static func roundTrip(_ duration: Duration) -> String {
    let microseconds = UInt64(max(0, duration.wholeMicroseconds))
    return write(["type": "roundTrip", "microseconds": .number(microseconds)])
  }

  static func refused(_ reason: String) -> String {
    write(["type": "refused", "reason": .text(reason)])
  }

  // MARK: To the room

  static func entered(_ visitor: Visitor, _ name: VisitorName) -> String {
    inRoom("entered", visitor, name, [:])
  }

  static func left(_ visitor: Visitor, _ name: VisitorName) -> String {
    inRoom("left", visitor, name, [:])
  }

  static func renamed(_ visitor: Visitor, _ name: VisitorName, from old: VisitorName) -> String {
    inRoom("renamed", visitor, name, ["before": .text(old.text)])
  }

  static func said(_ visitor: Visitor, _ name: VisitorName, _ text: ChatText) -> String {
    inRoom("said", visitor, name, ["text": .text(text.text)])
  }

  // MARK: To everybody

  static func tick(_ number: Int) -> String {
    write(["type": "tick", "number": .number(UInt64(number))])
  }

  static func figures(_ figures: Figures) -> String {
    write([
      "type": "figures", "backend": .text(figures.backend.rawValue),
      "connections": .numbers(figures.connectionCounts),
      "received": .number(figures.receivedPerSecond),
      "published": .number(figures.publishedPerSecond),
      "systemCalls": .number(figures.systemCallsPerSecond), "here": .number(figures.visitorCount),
    ])
  }

  private static func inRoom(
    _ type: String, _ visitor: Visitor, _ name: VisitorName, _ more: JSONObject
  ) -> String {
    let object: JSONObject = [
      "type": .text(type), "id": .number(visitor.number), "name": .text(name.text),
      "at": .number(WallClock.milliseconds()),
    ]
    return object.adding(more).written
  }

  private static func write(_ object: JSONObject) -> String { object.written }
}
