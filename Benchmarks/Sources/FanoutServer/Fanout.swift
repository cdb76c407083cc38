import WebSocket

/// Subscribes every connection when it opens, and publishes when any says `go`; or sends to each.
struct Fanout: WebSocketServerHandler {
  let topics: [Topic]
  /// Nil unless each message is sent to each connection by itself.
  let connections: Connections?
  let publisher: Publisher

  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<Void> {
    .accept(())
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    .upgradeRequired
  }

  func opened(_ connection: Connection, state: inout Void) {
    connections?.insert(connection)
    for topic in topics { connection.subscribe(to: topic) }
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Void
  ) {
    if message.text == "go" { publisher.start() }
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Void) {}

  func closed(_ connection: Connection, _ closure: Closure, state: inout Void) {
    connections?.remove(connection)
  }
}
