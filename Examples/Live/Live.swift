import ExampleSupport
import WebSocket

/// Everything that the examples show, on one page: a chat room, a ticker, round-trip times, and
/// what the server is doing.
///
/// Page and server tell each other small JSON objects over one WebSocket. Their member `type` says
/// what they are: `Request` lists those from the page, `Event` those to it.
struct Live: WebSocketServerHandler {
  static let pingIntervalMilliseconds = 100

  let topics = TopicRegistry()
  let ticks: Topic
  let figures: Topic
  let room: Room
  let visitors = Numbering()
  let pinger = Pinger(everyMilliseconds: Self.pingIntervalMilliseconds)

  init() {
    // Whoever is behind is better off with the newest number than with all of them.
    let options = TopicOptions(lag: .newestOnly, isKept: true)
    ticks = topics.topic("ticks", options: options)
    figures = topics.topic("figures", options: options)
    room = Room(in: topics)
  }

  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<Visitor> {
    .accept(Visitor(number: visitors.next()))
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    HTTPResponse(page: Page.html, to: request)
  }

  func opened(_ connection: Connection, state: inout Visitor) {
    connection.send(Event.welcome(state, run: room.run))
    connection.subscribe(to: ticks)
    connection.subscribe(to: figures)
    pinger.add(connection)
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Visitor
  ) {
    do throws(Refusal) {
      guard message.isText else { throw Refusal("requests are text") }
      switch try Request(message.copy) {
      case .join(let name, let resumption):
        try room.join(connection, &state, as: name, resuming: resumption)
      case .rename(let name): try room.rename(&state, to: name)
      case .say(let text): try room.say(text, state)
      case .echo: connection.send(message)
      }
    } catch {
      connection.send(Event.refused(error.reason))
    }
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Visitor) {
    switch event {
    case .pong(let payload):
      guard !state.isBehind, let duration = PingStamp.roundTrip(of: payload) else { return }
      // A visitor that reads slowly gets no more of these until its queue is empty.
      state.isBehind = connection.send(Event.roundTrip(duration)) != .accepted
    case .drained:
      state.isBehind = false
    case .lagged(let gap):
      guard gap.topic === room.topic, gap.missedCount > 0 else { return }
      connection.send(Event.missed(gap.missedCount))
    case .ping, .failed:
      break
    }
  }

  func closed(_ connection: Connection, _ closure: Closure, state: inout Visitor) {
    room.leave(state)
  }
}
