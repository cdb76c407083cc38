import ExampleSupport
import WebSocket

/// What the command line says.
struct Options: ExampleOptions {
  var server = ServerOptions()
  var coalescingWindowMicroseconds = 0
  var messageByteCountMax = 16 << 20
  var usesDirectDescriptors = false
  var printsStatistics = false

  static let usage = """
    \(ServerOptions.usage)
      --coalesce-us N           coalescing window in microseconds (0)
      --max-message-bytes N     the longest message (16777216)
      --direct-descriptors      hold connections in the ring's own table (io_uring, Linux 6.13)
      --stats                   a line of statistics a second
    """

  init(_ arguments: [String]) throws(InvalidOption) {
    var arguments = Arguments(arguments)
    while let name = arguments.nextName() {
      switch name {
      case "--direct-descriptors": usesDirectDescriptors = true
      case "--stats": printsStatistics = true
      case "--coalesce-us":
        coalescingWindowMicroseconds = try arguments.number(of: name, in: 0...1_000_000)
      case "--max-message-bytes":
        messageByteCountMax = try arguments.number(of: name, in: 0...Int.max)
      default: try server.take(name, from: &arguments)
      }
    }
  }

  func configuration() throws(SystemError) -> ServerConfiguration {
    var configuration = try server.configuration()
    configuration.messageByteCountMax = messageByteCountMax
    configuration.reactor.coalescingWindowMicroseconds = coalescingWindowMicroseconds
    configuration.reactor.usesDirectDescriptors = usesDirectDescriptors
    return configuration
  }
}
