import ExampleSupport
import WebSocket

ExampleProgram.run("echo", options: Options.self) { options in
  let server = try Server(options.configuration(), handler: Echo())
  ExampleProgram.announce(server)
  let statistics = options.printsStatistics ? StatisticsPrinter(server) : nil
  server.run()
  statistics?.stop()
}
