public import WebSocket

/// What the command line of every example says: where to listen, with how many threads, by what.
public struct ServerOptions: ExampleOptions {
  public var host = "127.0.0.1"
  public var port: UInt16 = 8080
  public var reactorCount: Int?
  public var backend = BackendChoice.automatic

  public static let usage = """
      --host HOST               address, name or unix:PATH to listen on (127.0.0.1)
      --port PORT               port; 0: a free one (8080)
      --reactors N              threads (the CPUs that the process may use)
      --backend NAME            automatic, io_uring or epoll (automatic)
    """

  public init() {}

  public init(_ arguments: [String]) throws(InvalidOption) {
    var arguments = Arguments(arguments)
    while let name = arguments.nextName() { try take(name, from: &arguments) }
  }

  /// Takes the option `name` and its value. An example with options of its own gives it those that
  /// it does not know.
  public mutating func take(
    _ name: String, from arguments: inout Arguments
  ) throws(InvalidOption) {
    switch name {
    case "--host": host = try arguments.value(of: name) { $0 }
    case "--port": port = try arguments.value(of: name) { UInt16($0) }
    case "--reactors": reactorCount = try arguments.number(of: name, in: 1...1024)
    case "--backend": backend = try arguments.value(of: name) { BackendChoice(rawValue: $0) }
    default: throw InvalidOption("unknown option \(name)")
    }
  }

  /// A configuration that says so, with a log on standard error.
  public func configuration() throws(SystemError) -> ServerConfiguration {
    var configuration = try ServerConfiguration(port: port, host: host)
    configuration.reactor.reactorCount = reactorCount
    configuration.reactor.backend = backend
    configuration.reactor.log = { Console.errors.print($0) }
    return configuration
  }
}
