import Glibc
import Testing
import WebSocket

@Suite("A dial to a Unix socket whose backlog is full", .serialized)
struct UnixBacklogTests {
  @Test("waits for room", arguments: backends)
  func room(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try FullUnixServer()
      let dial = try running.dial("ws://inside/") { $0.address = server.address }
      usleep(100_000)
      #expect(running.failures.isEmpty && running.connectionCount == 0)
      try server.acceptFillers()
      let peer = try server.accept()
      try peer.answerUpgrade()
      let connection = try dial.waitUntilOpen()
      connection.send("there")
      #expect(try peer.readClientFrame() == .text("there"))
      peer.close()
      #expect(running.failures.isEmpty)
    }
  }

  @Test("has its time, and can be cancelled and stopped meanwhile", arguments: backends)
  func ends(on kind: BackendKind) throws {
    let server = try FullUnixServer()
    try dialing(on: kind) { running in
      let late = try running.dial("ws://inside/") {
        $0.address = server.address
        $0.connectTimeoutMilliseconds = 200
      }
      let time = seconds { #expect(throws: ConnectFailure.timeout) { try late.waitUntilOpen() } }
      #expect(time >= 0.18 && time < 4)
      let cancelled = try running.dial("ws://inside/") { $0.address = server.address }
      usleep(50_000)
      cancelled.cancel()
      #expect(throws: ConnectFailure.cancelled) { try cancelled.waitUntilOpen() }
      let stopped = try running.dial("ws://inside/") {
        $0.address = server.address
        $0.reconnect = ReconnectPolicy()
      }
      usleep(50_000)
      running.client.stop()
      running.client.wait()
      #expect(throws: ConnectFailure.stopped) { try stopped.waitUntilOpen() }
      #expect(running.reasons == [.timeout, .cancelled, .stopped])
    }
  }
}

/// A Unix socket that nobody gets through to, until those before him are accepted.
private final class FullUnixServer {
  let address: SocketAddress
  private let descriptor: Int32
  private var fillers: [Int32] = []

  init() throws {
    let name = "martlet-full-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    address = .unixAbstract(name)
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    descriptor = socket(AF_UNIX, type, 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, [5, 0], 16)
    let bytes = withUnsafeBytes(of: UInt16(AF_UNIX), Array.init) + [0] + Array(name.utf8)
    let listener = descriptor
    let isListening = Self.with(bytes) { bind(listener, $0, $1) } == 0 && listen(listener, 0) == 0
    guard isListening else { throw PeerError.failed("listen", code: errno) }
    for _ in 0..<100 {
      let filler = socket(AF_UNIX, type | Int32(SOCK_NONBLOCK.rawValue), 0)
      guard Self.with(bytes, { connect(filler, $0, $1) }) == 0 else {
        Glibc.close(filler)
        return
      }
      fillers.append(filler)
    }
    throw PeerError.timedOut
  }

  deinit {
    for filler in fillers { Glibc.close(filler) }
    Glibc.close(descriptor)
  }

  /// Lets in those who have filled the backlog.
  func acceptFillers() throws {
    for _ in fillers { try accept().close() }
  }

  func accept() throws -> Peer {
    var client = Glibc.accept(descriptor, nil, nil)
    // A ring that is closed interrupts the thread that made it once more.
    while client < 0, errno == EINTR { client = Glibc.accept(descriptor, nil, nil) }
    guard client >= 0 else { throw PeerError.failed("accept", code: errno) }
    return Peer(adopting: client)
  }

  private static func with(
    _ bytes: [UInt8], _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    bytes.withUnsafeBytes {
      body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
  }
}
