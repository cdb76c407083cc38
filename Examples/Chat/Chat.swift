import ExampleSupport
import WebSocket

/// Rooms to talk in. A room is a topic: it is there as long as somebody is in it.
///
/// A client sends commands (`Command`) and is answered with one line each: `joined ROOM COUNT`,
/// `left ROOM`, `named NAME`, `said ROOM`, or `refused REASON`. What others do comes as
/// `ROOM NAME: TEXT`, `ROOM NAME has come`, `ROOM NAME has left` or `ROOM OLD is now NEW`.
struct Chat: WebSocketServerHandler {
  /// Somebody who is connected: stored with the connection, and touched by its reactor only.
  struct Visitor {
    var name: Name
    var rooms: [Name: Topic] = [:]
  }

  static let roomCountMax = 8

  let rooms = TopicRegistry()
  let guests = Numbering()

  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<Visitor> {
    do {
      return .accept(Visitor(name: try Name("guest-\(guests.next())")))
    } catch {
      return .refuse(HTTPResponse(status: .serviceUnavailable, text: "There are no more names.\n"))
    }
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    .upgradeRequired
  }

  func opened(_ connection: Connection, state: inout Visitor) {}

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Visitor
  ) {
    do throws(Refusal) {
      guard message.isText else { throw Refusal("commands are text") }
      let answer =
        switch try Command(message.text) {
        case .join(let room): try join(room, connection, &state)
        case .leave(let room): try leave(room, connection, &state)
        case .nick(let name): rename(to: name, connection, &state)
        case .say(let room, let text): try say(text, in: room, connection, &state)
        }
      connection.send(answer)
    } catch {
      connection.send("refused \(error.reason)")
    }
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Visitor) {}

  func closed(_ connection: Connection, _ closure: Closure, state: inout Visitor) {
    // It has left all its topics by itself.
    for (name, room) in state.rooms { room.publish("\(name) \(state.name) has left") }
  }

  private func join(
    _ name: Name, _ connection: Connection, _ visitor: inout Visitor
  ) throws(Refusal) -> String {
    guard visitor.rooms[name] == nil else { throw Refusal("you are in \(name) already") }
    guard visitor.rooms.count < Self.roomCountMax else {
      throw Refusal("nobody can be in more than \(Self.roomCountMax) rooms")
    }
    let room = rooms.topic(name.description)
    connection.subscribe(to: room)
    visitor.rooms[name] = room
    room.publish("\(name) \(visitor.name) has come", excluding: connection)
    return "joined \(name) \(room.subscriberCount)"
  }

  private func leave(
    _ name: Name, _ connection: Connection, _ visitor: inout Visitor
  ) throws(Refusal) -> String {
    guard let room = visitor.rooms.removeValue(forKey: name) else {
      throw Refusal("you are not in \(name)")
    }
    connection.unsubscribe(from: room)
    room.publish("\(name) \(visitor.name) has left")
    return "left \(name)"
  }

  private func rename(
    to name: Name, _ connection: Connection, _ visitor: inout Visitor
  ) -> String {
    for (roomName, room) in visitor.rooms {
      room.publish("\(roomName) \(visitor.name) is now \(name)", excluding: connection)
    }
    visitor.name = name
    return "named \(name)"
  }

  private func say(
    _ text: String, in name: Name, _ connection: Connection, _ visitor: inout Visitor
  ) throws(Refusal) -> String {
    guard let room = visitor.rooms[name] else { throw Refusal("you are not in \(name)") }
    room.publish("\(name) \(visitor.name): \(text)", excluding: connection)
    return "said \(name)"
  }
}
