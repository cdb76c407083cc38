import ExampleSupport
import WebSocket

ExampleProgram.run("rtt") { options in
  let server = try Server(options.configuration(), handler: RoundTrips())
  ExampleProgram.announce(server)
  server.run()
}
