import Glibc
import WebSocket

/// Written at once, so that who reads it through a pipe need not wait.
func printLine(_ line: String, to descriptor: Int32 = STDOUT_FILENO) {
  var line = line + "\n"
  line.withUTF8 { bytes in
    _ = unsafe write(descriptor, bytes.baseAddress, bytes.count)
  }
}

_ = signal(SIGPIPE, SIG_IGN)

do {
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  let registry = TopicRegistry()
  // The first one is published, also where nobody is to subscribe to it.
  let topics = (0..<max(1, options.topicCount)).map { registry.topic("\($0)") }
  let connections = options.sendsDirectly ? Connections() : nil
  let handler = Fanout(
    topics: Array(topics.prefix(options.topicCount)), connections: connections,
    publisher: Publisher(options, to: topics[0], or: connections))
  let server = try Server(options.configuration(), handler: handler)
  printLine("listening")
  if options.printsStatistics { Counters.printAlways(of: server) }
  server.run()
} catch let invalid as Options.Invalid {
  printLine("fanout-server: \(invalid.reason)\n\(Options.usage)", to: STDERR_FILENO)
  exit(2)
} catch {
  printLine("fanout-server: \(error)", to: STDERR_FILENO)
  exit(1)
}
