import ExampleSupport
import WebSocket

ExampleProgram.run("broadcast") { options in
  let server = try Server(options.configuration()) { _ in }
  ExampleProgram.announce(server)
  Seconds.tell(server)
  server.run()
}
