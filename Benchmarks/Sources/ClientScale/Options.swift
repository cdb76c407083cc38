import WebSocket

/// What the command line says.
struct Options {
  var port: UInt16 = 0
  var connectionCount = 1
  var localAddressCount = 0
  var reactorCount = 1
  var backend = BackendChoice.automatic
  var usesDirectDescriptors = false
  var dialCountMax: Int?

  static let usage = """
    usage: client-scale --port P [options]
      --connections N           to 127.0.0.1 (1)
      --local-addresses N       that they come from, 127.0.0.2 and so on; 0: as the kernel likes (0)
      --reactors N              threads (1)
      --backend NAME            automatic, io_uring or epoll (automatic)
      --direct-descriptors      hold connections in the rings' own tables (io_uring, Linux 6.13)
      --dials-at-once N         of each reactor (the engine's default)
    """

  struct Invalid: Error {
    let reason: String
  }

  init(_ arguments: [String]) throws(Invalid) {
    var rest = arguments.makeIterator()
    while let name = rest.next() {
      if name == "--direct-descriptors" {
        usesDirectDescriptors = true
        continue
      }
      guard let value = rest.next() else { throw Invalid(reason: "\(name) needs a value") }
      guard set(name, value) else { throw Invalid(reason: "no such option: \(name) \(value)") }
    }
    guard port != 0 else { throw Invalid(reason: "--port is needed") }
  }

  private mutating func set(_ name: String, _ value: String) -> Bool {
    if name == "--backend" {
      guard let choice = BackendChoice(rawValue: value) else { return false }
      backend = choice
      return true
    }
    guard let number = Int(value), 0...1_000_000 ~= number else { return false }
    switch name {
    case "--port" where 1...Int(UInt16.max) ~= number: port = UInt16(number)
    case "--connections" where number > 0: connectionCount = number
    case "--local-addresses" where number <= 250: localAddressCount = number
    case "--reactors" where 1...1024 ~= number: reactorCount = number
    case "--dials-at-once" where number > 0: dialCountMax = number
    default: return false
    }
    return true
  }

  var configuration: ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.reactor.reactorCount = reactorCount
    configuration.reactor.backend = backend
    configuration.reactor.usesDirectDescriptors = usesDirectDescriptors
    if let dialCountMax { configuration.dialCountMax = dialCountMax }
    return configuration
  }

  /// How the connection of that number is made.
  func dial(_ number: Int) -> DialOptions {
    var dial = DialOptions()
    guard localAddressCount > 0 else { return dial }
    let local = 2 + number % localAddressCount
    dial.socket.localAddress = SocketAddress.parse("127.0.0.\(local)", port: 0)
    return dial
  }
}
