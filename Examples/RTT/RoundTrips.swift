import ExampleSupport
import WebSocket

/// Pings every connection each 100 ms, tells it how long each ping and its pong took, and prints a
/// summary when it has gone.
struct RoundTrips: WebSocketServerHandler {
  let pinger = Pinger(everyMilliseconds: 100)

  func upgrade(
    _ request: borrowing HTTPRequest, on connection: Connection
  ) -> Upgrade<RoundTripSummary> {
    .accept(RoundTripSummary())
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    .upgradeRequired
  }

  func opened(_ connection: Connection, state: inout RoundTripSummary) {
    pinger.add(connection)
  }

  /// What clients say is of no interest.
  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout RoundTripSummary
  ) {}

  func handle(
    _ event: ConnectionEvent, on connection: Connection, state: inout RoundTripSummary
  ) {
    guard case .pong(let payload) = event, let duration = PingStamp.roundTrip(of: payload) else {
      return
    }
    let microseconds = duration.wholeMicroseconds
    state.add(microseconds)
    connection.send("\(microseconds) µs")
  }

  func closed(_ connection: Connection, _ closure: Closure, state: inout RoundTripSummary) {
    Console.output.print(state.description)
  }
}
