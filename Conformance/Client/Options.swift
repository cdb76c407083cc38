import ExampleSupport
import WebSocket

/// What the command line says.
struct Options: ExampleOptions {
  /// Of the fuzzing server, without a path.
  var url = ""
  /// What the report calls this client.
  var agent = "martlet"
  var backend = BackendChoice.automatic
  var parallelCount = 1
  var messageByteCountMax = 32 << 20

  static let operands = "URL"
  static let usage = """
      --agent NAME              what the report calls this client (martlet)
      --backend NAME            automatic, io_uring or epoll (automatic)
      --parallel N              cases at once (1)
      --max-message-bytes N     the longest message (33554432)
    """

  init(_ arguments: [String]) throws(InvalidOption) {
    var arguments = Arguments(arguments)
    while let name = arguments.nextName() {
      switch name {
      case "--agent": agent = try arguments.value(of: name) { $0 }
      case "--backend": backend = try arguments.value(of: name) { BackendChoice(rawValue: $0) }
      case "--parallel": parallelCount = try arguments.number(of: name, in: 1...1000)
      case "--max-message-bytes":
        messageByteCountMax = try arguments.number(of: name, in: 0...Int.max)
      default:
        guard !name.hasPrefix("-"), url.isEmpty else {
          throw InvalidOption("unknown option \(name)")
        }
        url = name
      }
    }
    guard !url.isEmpty else { throw InvalidOption("the URL is missing") }
  }

  var configuration: ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.messageByteCountMax = messageByteCountMax
    configuration.reactor.backend = backend
    configuration.reactor.log = { Console.errors.print($0) }
    return configuration
  }
}
