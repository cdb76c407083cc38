import WebSocket

/// Subscribes every connection when it opens, and publishes when any says `go`.
struct Fanout: WebSocketServerHandler {
  let topics: [Topic]
  let publisher: Publisher

  func opened(_ connection: Connection, state: inout Void) {
    for topic in topics { connection.subscribe(to: topic) }
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Void
  ) {
    if message.text == "go" { publisher.start() }
  }
}
