import Glibc
import Testing
import WebSocket

/// A server under attack: an innocent connection is echoed all the while, and afterwards nothing is left of the attackers.
///
/// The server sends a text back; "close" has it close, "flood" has it send 8 MiB.
func besiege(
  on kind: BackendKind, configure: (inout ServerConfiguration) -> Void = { _ in },
  at location: SourceLocation = #_sourceLocation, _ attack: (RunningServer) throws -> Void
) throws {
  try serve(
    on: kind, recordsTraffic: false,
    configure: {
      $0.reactor.lingerMilliseconds = 500
      $0.handshakeTimeoutMilliseconds = 1000
      configure(&$0)
    },
    handle: { on, _ in
      on.received = { connection, message, _ in
        if message.byteCount == 5, message.text == "close" {
          connection.close(.goingAway)
        } else if message.byteCount == 5, message.text == "flood" {
          connection.send([UInt8](repeating: 7, count: 8 << 20))
        } else {
          connection.send(message)
        }
      }
    },
    { running in
      let innocent = Innocent(port: running.port)
      defer { innocent.end() }
      #expect(eventually { innocent.echoCount > 0 }, sourceLocation: location)
      let before = ProcessState.trimmedByteCount()
      try attack(running)
      #expect(
        eventually { running.connectionCount == 1 }, "\(running.connectionCount) connections",
        sourceLocation: location)
      #expect(
        eventually { running.socketCount == 1 },
        sourceLocation: location)
      #expect(eventually { running.queuedByteCount == 0 }, sourceLocation: location)
      // Other tests run in the same process: theirs comes and goes. What the allocator keeps for later
      // may be as much again.
      let most = before + (64 << 20)
      #expect(
        eventually {
          !ProcessState.tellsMemory || ProcessState.residentByteCount() < most
            || ProcessState.trimmedByteCount() < most
        },
        "memory grew from \(before) to \(ProcessState.residentByteCount())",
        sourceLocation: location)
      let count = innocent.echoCount
      #expect(eventually { innocent.echoCount > count }, sourceLocation: location)
      #expect(!innocent.hasFailed, sourceLocation: location)
    }, at: location)
}

/// A connection that does no harm, on a thread of its own.
private final class Innocent: Sendable {
  private struct State {
    var echoCount = 0
    var hasFailed = false
    var isEnding = false
  }

  private let state = Locked(State())
  private let thread = Locked<pthread_t?>(nil)

  init(port: UInt16) {
    let started = Threads.start { [self] in run(port: port) }
    thread.withLock { $0 = started }
  }

  var echoCount: Int { state.withLock { $0.echoCount } }
  var hasFailed: Bool { state.withLock { $0.hasFailed } }

  func end() {
    state.withLock { $0.isEnding = true }
    let started = thread.withLock { $0.take() }
    if let started { pthread_join(started, nil) }
  }

  private func run(port: UInt16) {
    do {
      let peer = try Peer(port: port)
      try peer.upgrade()
      while !state.withLock({ $0.isEnding }) {
        let frame = Frame.text("innocent \(echoCount)")
        try peer.send(frame)
        guard try peer.readFrame() == frame else { throw PeerError.malformed("another echo") }
        state.withLock { $0.echoCount += 1 }
        usleep(500)
      }
    } catch {
      state.withLock { $0.hasFailed = true }
    }
  }
}

/// What a connection can be in the middle of.
struct Stage: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let reach: @Sendable (Peer) throws -> Void

  private init(_ name: String, _ reach: @escaping @Sendable (Peer) throws -> Void) {
    testDescription = name
    self.reach = reach
  }

  static let all = [
    Stage("connected") { _ in },
    Stage("half a request") { try $0.send(Array(Peer.upgradeRequest().prefix(60))) },
    Stage("request but for its last byte") { try $0.send(Array(Peer.upgradeRequest().dropLast())) },
    Stage("response unread") { try $0.send(Peer.upgradeRequest()) },
    Stage("open") { try $0.upgrade() },
    after("half a frame header", [0x82, 0xFE, 1]),
    after("half a payload", Array(Frame.binary(Bytes.pattern(5000, seed: 1)).bytes().prefix(3000))),
    after("half a message", Frame.text("half", isFinal: false).bytes()),
    after(
      "half a ping in half a message", Frame.text("x", isFinal: false).bytes() + [0x89, 0x84, 1]),
    after("echo unread", Frame.text("echo").bytes()),
    after("much unread", Frame.text("flood").bytes()),
    after("closed by the server", Frame.text("close").bytes()),
    after("half a close frame", Array(Frame.close(1000).bytes().prefix(5))),
    after("closed by the peer", Frame.close(1000).bytes()),
    after("failed", Frame(opcode: 3).bytes()),
  ]

  private static func after(_ name: String, _ bytes: [UInt8]) -> Stage {
    Stage(name) { peer in
      try peer.upgrade()
      try peer.send(bytes)
    }
  }
}
