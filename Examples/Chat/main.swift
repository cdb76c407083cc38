import ExampleSupport
import WebSocket

ExampleProgram.run("chat") { options in
  var configuration = try options.configuration()
  // Memory follows the longest message that a client may send.
  configuration.messageByteCountMax = 4096
  let server = try Server(configuration, handler: Chat())
  ExampleProgram.announce(server)
  server.run()
}
