import ExampleSupport
import WebSocket

ExampleProgram.run("live") { options in
  var configuration = try options.configuration()
  // Memory follows the longest message that a client may send.
  configuration.messageByteCountMax = 4096
  let live = Live()
  let server = try Server(configuration, handler: live)
  ExampleProgram.announce(server)
  Ticker.start(server, ticks: live.ticks, figures: live.figures, room: live.room)
  server.run()
}
