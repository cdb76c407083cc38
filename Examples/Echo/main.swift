import Glibc
import WebSocket

// Whoever reads the lines may go away: the write then fails, and the server goes on.
_ = signal(SIGPIPE, SIG_IGN)

do {
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  let server = try Server(options.configuration(), handler: Echo())
  for address in server.addresses { Console.output.print("listening on ws://\(address)/") }
  let statistics = options.printsStatistics ? StatisticsPrinter(server) : nil
  server.run()
  statistics?.stop()
} catch let invalid as Options.Invalid {
  Console.errors.print("echo: \(invalid.reason)\n\(Options.usage)")
  exit(2)
} catch {
  Console.errors.print("echo: \(error)")
  exit(1)
}
