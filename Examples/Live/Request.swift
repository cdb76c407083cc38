import ExampleSupport
import WebSocket

/// What the page asks for.
///
/// - `{"type":"join","name":"Ada"}`: to come into the room. Who was there before adds `"run"` and
///   `"position"`, to go on where the connection was lost.
/// - `{"type":"rename","name":"Ada"}`
/// - `{"type":"say","text":"Hello"}`
/// - `{"type":"echo","number":1}`: comes back as it is.
enum Request {
  case join(VisitorName, resuming: Resumption?)
  case rename(VisitorName)
  case say(ChatText)
  case echo

  /// Where somebody was in the room's messages, and in which run of the server.
  struct Resumption {
    let run: UInt64
    let position: TopicPosition
  }

  /// Reads a text message, of which nothing is known but that it is UTF-8.
  init(_ bytes: [UInt8]) throws(Refusal) {
    let object: JSONObject
    do {
      object = try JSONObject(reading: bytes)
    } catch {
      throw Refusal("that is no JSON for this server: \(error.reason)")
    }
    switch object.text("type") {
    case "join": self = .join(try Self.name(in: object), resuming: Self.resumption(in: object))
    case "rename": self = .rename(try Self.name(in: object))
    case "say":
      guard let text = object.text("text") else { throw Refusal("the text is missing") }
      self = .say(try ChatText(text))
    case "echo": self = .echo
    default: throw Refusal("the type is unknown")
    }
  }

  private static func name(in object: JSONObject) throws(Refusal) -> VisitorName {
    guard let name = object.text("name") else { throw Refusal("the name is missing") }
    return try VisitorName(name)
  }

  private static func resumption(in object: JSONObject) -> Resumption? {
    guard let run = object.number("run"), let position = object.number("position") else {
      return nil
    }
    return Resumption(run: run, position: TopicPosition(ordinal: position))
  }
}
