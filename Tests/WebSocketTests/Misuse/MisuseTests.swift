import CProcess
import Glibc
import Testing
import WebSocket

/// Something that a program must not do, and a part of the text that it is told.
private enum Misuse: String, Codable, CaseIterable, Sendable {
  case forgottenUpgrade = "Callbacks.upgrade is not set"
  case otherState =
    "withState is called with a state of type String, but the handler's State is Int"
  case longPing = "Connection.ping is given 126 bytes"
  case longPong = "Connection.pong is given 200 bytes"
  case otherLength = "a header whose payloadLength is 3, and a payload of 1 bytes"
  case serverWaits = "Server.wait is called on one of the threads that it would wait for"
  case serverRuns = "Server.run is called on one of the threads"
  case clientWaits = "Client.wait is called on one of the threads"
  case dialWaits = "Dial.waitUntilOpen is called on one of the threads that it would wait for"
  case status = "An HTTPStatus is 99"
  case interimResponse = "An HTTPResponse has the status 101"
  case contentType = "The contentType of an HTTPResponse"
  case bufferCount = "receiveBufferCount is 100"
  case connectionCount = "connectionCountMax is 0"
  case headByteCount = "headByteCountMax is 0"
  case fragmentByteCount = "fragmentByteCountMax is 0: a fragment has a byte at least"
  case messageByteCount = "messageByteCountMax and frameByteCountMax must not be negative"
  case opcode = "An Opcode is 16"
  case lengthField = "too small for its payloadLength, 126"

  func commit() throws {
    switch self {
    case .forgottenUpgrade: _ = try Server(ServerConfiguration(port: 0), state: Int.self) { _ in }
    case .otherState: try onClient { $0.withState(as: String.self) { _ in } }
    case .longPing: try onClient { $0.ping([UInt8](repeating: 0, count: 126).span.bytes) }
    case .longPong: try onClient { $0.pong([UInt8](repeating: 0, count: 200).span.bytes) }
    case .otherLength:
      try onClient { connection in
        connection.sendFrame(FrameHeader(opcode: .text, payloadLength: 3), [UInt8(1)].span.bytes)
      }
    case .serverWaits: try onServer { $0.wait() }
    case .serverRuns: try onServer { $0.run(stoppingOn: []) }
    case .clientWaits, .dialWaits: try onClient { _ in }
    case .status: _ = HTTPStatus(99)
    case .interimResponse: _ = HTTPResponse(status: .switchingProtocols)
    case .contentType: _ = HTTPResponse(status: .ok, contentType: "a\nb")
    case .bufferCount: try start { $0.reactor.receiveBufferCount = 100 }
    case .connectionCount: try start { $0.reactor.connectionCountMax = 0 }
    case .headByteCount: _ = HandshakeLimits(headByteCountMax: 0)
    case .fragmentByteCount: try start { $0.fragmentByteCountMax = 0 }
    case .messageByteCount: _ = Session.Limits(messageByteCountMax: -1)
    case .opcode: _ = Opcode(rawValue: 16)
    case .lengthField: _ = FrameHeader(opcode: .text, payloadLength: 126, lengthField: .sevenBits)
    }
  }

  private func start(_ change: (inout ServerConfiguration) -> Void) throws {
    var configuration = try ServerConfiguration(port: 0)
    change(&configuration)
    _ = try Server(configuration) { _ in }
  }

  /// Does something within a server's handler.
  private func onServer(_ body: @escaping @Sendable (Server) -> Void) throws {
    let box = Locked<Server?>(nil)
    let server = try Server(ServerConfiguration(port: 0)) { on in
      on.opened = { _, _ in
        while box.withLock({ $0 }) == nil { usleep(1000) }
        box.withLock { $0 }.map(body)
      }
    }
    box.withLock { $0 = server }
    let client = try Client { _ in }
    try client.connect(to: "ws://127.0.0.1:\(server.addresses[0].port ?? 0)/")
    sleep(5)
  }

  /// Does something within a client's handler.
  private func onClient(_ body: @escaping @Sendable (Connection) -> Void) throws {
    let server = try Server(ServerConfiguration(port: 0)) { _ in }
    let url = "ws://127.0.0.1:\(server.addresses[0].port ?? 0)/"
    let box = Locked<Client<Int>?>(nil)
    let misuse = self
    let client = try Client(state: Int.self) { on in
      on.opened = { connection, _ in
        while box.withLock({ $0 }) == nil { usleep(1000) }
        guard let client = box.withLock({ $0 }) else { return }
        if misuse == .clientWaits { client.wait() }
        if misuse == .dialWaits { _ = try? client.connect(to: url, state: 2).waitUntilOpen() }
        body(connection)
      }
    }
    box.withLock { $0 = client }
    try client.connect(to: url, state: 1)
    sleep(5)
  }
}

@Suite("A program that uses the engine as it must not")
struct MisuseTests {
  /// The text of `precondition` is not printed in a release build: this one is not `precondition`'s.
  @Test("ends with a text that says what and why", arguments: Misuse.allCases)
  private func text(_ misuse: Misuse) async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { [misuse] in
      process_become_expendable()
      try misuse.commit()
      exit(EXIT_SUCCESS)
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.contains("Martlet is misused: ") } ?? ""
    #expect(line.contains(misuse.rawValue), "\(text.prefix(2000))")
  }

  @Test("may wait for another server within a handler")
  func waitingElsewhere() throws {
    let server = try Server(ServerConfiguration(port: 0)) { _ in }
    let other = try Server(ServerConfiguration(port: 0)) { on in
      on.opened = { _, _ in
        server.stop()
        server.wait()
      }
    }
    let client = try Client { _ in }
    _ = try client.connect(to: "ws://127.0.0.1:\(other.addresses[0].port ?? 0)/").waitUntilOpen()
    server.wait()
    client.stop()
    client.wait()
    other.stop()
    other.wait()
  }
}
