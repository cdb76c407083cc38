import ExampleSupport
import WebSocket

/// What the command line says.
struct Options: ExampleOptions {
  var url = ""
  var isBinary = false
  var reconnects = false
  var idleMilliseconds = 0
  var backend = BackendChoice.automatic
  var dial = DialOptions()

  static let operands = "URL"
  static let usage = """
      --binary                  send what is read as it comes, in binary messages
      --header 'NAME: VALUE'    a field of the request; may be repeated
      --subprotocol NAME        to be offered, most wanted first; may be repeated
      --origin ORIGIN           the web page to speak for
      --unix PATH               connect to this Unix socket, whatever host the URL names
      --reconnect               connect again whenever the connection is lost
      --idle-ms N               at the end of the input, wait until nothing has arrived for so
                                long, for servers that do not answer what was sent before a
                                close frame once that has come (0)
      --backend NAME            automatic, io_uring or epoll (automatic)
    Sends each line of the input as a text message, and prints what arrives: a text as a line, the
    bytes of a binary message as they are. The end of the input closes the connection.
    """

  init(_ arguments: [String]) throws(InvalidOption) {
    var arguments = Arguments(arguments)
    while let name = arguments.nextName() {
      switch name {
      case "--binary": isBinary = true
      case "--reconnect": reconnects = true
      case "--header": try addHeader(try arguments.value(of: name) { $0 })
      case "--subprotocol": dial.subprotocols.append(try arguments.value(of: name) { $0 })
      case "--origin": dial.origin = try arguments.value(of: name) { $0 }
      case "--unix": dial.address = .unixPath(try arguments.value(of: name) { $0 })
      case "--idle-ms": idleMilliseconds = try arguments.number(of: name, in: 0...3_600_000)
      case "--backend": backend = try arguments.value(of: name) { BackendChoice(rawValue: $0) }
      default:
        guard !name.hasPrefix("-"), url.isEmpty else {
          throw InvalidOption("unknown option \(name)")
        }
        url = name
      }
    }
    guard !url.isEmpty else { throw InvalidOption("the URL is missing") }
    do {
      _ = try WebSocketURL(url)
    } catch {
      throw InvalidOption("\(url) is no WebSocket's URL: \(error)")
    }
    if reconnects { dial.reconnect = ReconnectPolicy() }
  }

  private mutating func addHeader(_ line: String) throws(InvalidOption) {
    guard let colon = line.firstIndex(of: ":") else {
      throw InvalidOption("--header needs 'NAME: VALUE', and not \(line)")
    }
    let value = line[line.index(after: colon)...].drop { $0 == " " }
    do {
      try dial.headers.add(String(line[..<colon]), String(value))
    } catch {
      throw InvalidOption("--header cannot be \(line): \(error)")
    }
  }

  var configuration: ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.reactor.backend = backend
    // What waits in the peer's queues has to arrive before its close frame does.
    configuration.closeTimeoutMilliseconds = 15_000
    return configuration
  }
}
