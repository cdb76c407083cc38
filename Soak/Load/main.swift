import ExampleSupport
import Glibc
import WebSocket

/// Very many clients of the examples, each of which comes, says a few things, and goes.
///
///     usage: soak-load RATE EXAMPLE=PORT=COUNT[=TOKEN]...
///
/// RATE is messages per second and connection. A line of figures goes to standard output each second; commands
/// come by standard input: `rate R`, `hold` (nobody says anything or goes, who is missing comes, all ping; `held` answers), `go`,
/// `end` (everybody goes; `ended` answers).
var arguments = CommandLine.arguments.dropFirst()
guard let rate = arguments.popFirst().flatMap({ Double($0) }), rate > 0 else {
  Console.output.print("usage: soak-load RATE EXAMPLE=PORT=COUNT[=TOKEN]...")
  exit(2)
}
let report = Report()
var slots: [Slot] = []
for argument in arguments {
  let parts = argument.split(separator: "=").map(String.init)
  guard parts.count >= 3, let kind = Kind(rawValue: parts[0]), let port = UInt16(parts[1]),
    let count = Int(parts[2])
  else {
    Console.output.print("what is \(argument)?")
    exit(2)
  }
  let token = parts.count > 3 ? parts[3] : nil
  for _ in 0..<count {
    slots.append(Slot(number: slots.count, kind: kind, port: port, token: token, report: report))
  }
}
// Neighbours are of different kinds, so that all are served evenly.
var order = SeededGenerator(seed: 1)
slots.shuffle(using: &order)

let client = try Client(state: Slot.self) { on in
  on.opened = { connection, slot in slot.opened(connection) }
  on.received = { connection, message, slot in slot.received(message, on: connection) }
  on.closed = { _, closure, slot in slot.closed(closure) }
}
Driver(slots, client, report, rate: rate).run()
client.stop()
client.wait()
