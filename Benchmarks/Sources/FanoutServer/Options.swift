import WebSocket

/// What the command line says: the contract of all the servers that broadcast here, and what is
/// this one's own.
struct Options {
  var port: UInt16 = 0
  var messageCount = 1
  var payloadByteCount = 64
  var threadCount = 1
  var intervalMicroseconds = 0
  var sendBufferByteCount: Int32?
  var topicCount = 1
  var sendsDirectly = false
  var backend = BackendChoice.automatic
  var reactorCount: Int?
  var coalescingWindowMicroseconds = 0
  var printsStatistics = false

  static let usage = """
    usage: fanout-server --port P [options]
      --messages M          published at each `go` (1)
      --size BYTES          of each payload, 32 or more (64)
      --threads K           that publish, none of them a reactor (1)
      --interval-us U       between two messages of all threads together; 0: a burst (0)
      --send-buffer BYTES   of the kernel, for each connection (the kernel's choice)
      --topics T            that each connection subscribes to; the first one is published (1)
      --direct              each message is sent to each connection, and not published
      --backend NAME        automatic, io_uring or epoll (automatic)
      --reactors N          threads (the CPUs that the process may use)
      --coalesce-us U       coalescing window in microseconds (0)
      --stats               counters, five times a second
    """

  struct Invalid: Error {
    let reason: String
  }

  init(_ arguments: [String]) throws(Invalid) {
    var rest = arguments.makeIterator()
    while let name = rest.next() {
      if setFlag(name) { continue }
      guard let value = rest.next() else { throw Invalid(reason: "\(name) needs a value") }
      guard set(name, value) else { throw Invalid(reason: "no such option: \(name) \(value)") }
    }
    guard port != 0 else { throw Invalid(reason: "--port is needed") }
  }

  private mutating func setFlag(_ name: String) -> Bool {
    switch name {
    case "--stats": printsStatistics = true
    case "--direct": sendsDirectly = true
    default: return false
    }
    return true
  }

  private mutating func set(_ name: String, _ value: String) -> Bool {
    if name == "--backend" {
      guard let choice = BackendChoice(rawValue: value) else { return false }
      backend = choice
      return true
    }
    guard let number = Int(value), 0...Int(Int32.max) ~= number else { return false }
    switch name {
    case "--port" where 1...Int(UInt16.max) ~= number: port = UInt16(number)
    case "--messages": messageCount = number
    case "--size" where number >= Payload.byteCountMin: payloadByteCount = number
    case "--threads" where 1...1024 ~= number: threadCount = number
    case "--interval-us": intervalMicroseconds = number
    case "--send-buffer": sendBufferByteCount = number > 0 ? Int32(number) : nil
    case "--topics" where number <= 1024: topicCount = number
    case "--reactors" where 1...1024 ~= number: reactorCount = number
    case "--coalesce-us" where number <= 1_000_000: coalescingWindowMicroseconds = number
    default: return false
    }
    return true
  }

  func configuration() throws(SystemError) -> ServerConfiguration {
    var configuration = try ServerConfiguration(port: port)
    configuration.listener.sendBufferByteCount = sendBufferByteCount
    configuration.reactor.reactorCount = reactorCount
    configuration.reactor.backend = backend
    configuration.reactor.coalescingWindowMicroseconds = coalescingWindowMicroseconds
    return configuration
  }
}
