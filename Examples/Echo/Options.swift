import WebSocket

/// What the command line says.
struct Options {
  var host = "127.0.0.1"
  var port: UInt16 = 8080
  var reactorCount: Int?
  var backend = BackendChoice.automatic
  var coalescingWindowMicroseconds = 0
  var messageByteCountMax = 16 << 20
  var usesDirectDescriptors = false
  var printsStatistics = false

  static let usage = """
    usage: echo [options]
      --host HOST               address or name to listen on (127.0.0.1)
      --port PORT               port; 0: a free one (8080)
      --reactors N              threads (the CPUs that the process may use)
      --backend NAME            automatic, io_uring or epoll (automatic)
      --coalesce-us N           coalescing window in microseconds (0)
      --max-message-bytes N     the longest message (16777216)
      --direct-descriptors      hold connections in the ring's own table (io_uring, Linux 6.13)
      --stats                   a line of statistics a second
    """

  struct Invalid: Error {
    let reason: String
  }

  init(_ arguments: [String]) throws(Invalid) {
    var rest = arguments.makeIterator()
    while let name = rest.next() {
      switch name {
      case "--direct-descriptors": usesDirectDescriptors = true
      case "--stats": printsStatistics = true
      default:
        guard Self.valued.contains(name) else { throw Invalid(reason: "unknown option \(name)") }
        guard let value = rest.next() else { throw Invalid(reason: "\(name) needs a value") }
        guard set(name, value) else { throw Invalid(reason: "\(name) cannot be \(value)") }
      }
    }
  }

  private static let valued = [
    "--host", "--port", "--reactors", "--backend", "--coalesce-us", "--max-message-bytes",
  ]

  private mutating func set(_ name: String, _ value: String) -> Bool {
    switch name {
    case "--host": host = value
    case "--backend":
      guard let choice = BackendChoice(rawValue: value) else { return false }
      backend = choice
    case "--port":
      guard let number = UInt16(value) else { return false }
      port = number
    default:
      guard let number = Int(value), number >= 0 else { return false }
      return set(name, number)
    }
    return true
  }

  private mutating func set(_ name: String, _ number: Int) -> Bool {
    switch name {
    case "--reactors" where 1...1024 ~= number: reactorCount = number
    case "--coalesce-us" where number <= 1_000_000: coalescingWindowMicroseconds = number
    case "--max-message-bytes": messageByteCountMax = number
    default: return false
    }
    return true
  }

  func configuration() throws(SystemError) -> ServerConfiguration {
    var configuration = try ServerConfiguration(port: port, host: host)
    configuration.messageByteCountMax = messageByteCountMax
    configuration.reactor.reactorCount = reactorCount
    configuration.reactor.backend = backend
    configuration.reactor.coalescingWindowMicroseconds = coalescingWindowMicroseconds
    configuration.reactor.usesDirectDescriptors = usesDirectDescriptors
    configuration.reactor.log = { Console.errors.print($0) }
    return configuration
  }
}
