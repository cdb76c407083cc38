import Glibc
import Synchronization
import Testing
import WebSocket

/// Bounds are generous: others use the machine too, and a debug build takes a microsecond or more for
/// each frame.
@Suite("A flood", .serialized)
struct FloodTests {
  @Test(
    "of the smallest frames from many holds up neither a bystander nor a stop",
    arguments: backends, ["pong", "text", "ping", "fragment"])
  func frames(on kind: BackendKind, frame: String) throws {
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.reactorCount = 1
        $0.reactor.stopMilliseconds = 1000
        // They read nothing.
        $0.reactor.queue.overflow = .dropNewest
      }
    ) { running in
      let bystander = try running.open()
      let burst = (0..<20_000).flatMap { _ in Self.bytes(frame) }
      let flooders = try (0..<40).map { _ in Flooder(try running.open(), burst) }
      if frame == "fragment" {
        for flooder in flooders { try flooder.peer.send(.text("", isFinal: false)) }
      }
      // Their sockets are full before it begins, and stay so.
      for flooder in flooders { while flooder.fill() > 0 {} }
      let isOver = Atomic<Bool>(false)
      let flood = Threads.start {
        while !isOver.load(ordering: .acquiring) {
          if flooders.reduce(0, { $0 + $1.fill() }) == 0 { usleep(1000) }
        }
      }
      defer {
        isOver.store(true, ordering: .releasing)
        pthread_join(flood, nil)
      }
      let start = ContinuousClock.now
      for number in 0..<10 { try bystander.expectEcho("\(number)") }
      // One turn of each would take longer.
      #expect(ContinuousClock.now - start < .seconds(4))
      let duration = seconds {
        running.server.stop()
        running.server.wait()
      }
      #expect(duration < 3, "\(duration) s")
      bystander.close()
    }
  }

  @Test("of opening handshakes holds up no bystander", arguments: backends)
  func handshakes(on kind: BackendKind) throws {
    let isHeld = Atomic<Bool>(false)
    try serve(
      on: kind, recordsTraffic: false,
      configure: {
        $0.reactor.reactorCount = 1
        $0.reactor.stopMilliseconds = 1000
      },
      handle: { on, journal in
        on.received = { connection, message, _ in
          if message.byteCount == 4 { while isHeld.load(ordering: .acquiring) { usleep(1000) } }
          connection.send(message)
        }
        on.upgrade = { request, _ in
          if request.target == "/slow" { usleep(2000) }
          return .accept(Tracked(journal, note: request.target))
        }
      }
    ) { running in
      let bystander = try running.open()
      isHeld.store(true, ordering: .releasing)
      try bystander.send(.text("hold"))
      usleep(20_000)
      // All of them wait in the backlog, each with its whole request: 1.2 seconds of work.
      let others = try (0..<600).map { _ in
        let peer = try running.connect()
        try peer.send(Peer.upgradeRequest(target: "/slow"))
        return peer
      }
      let start = ContinuousClock.now
      isHeld.store(false, ordering: .releasing)
      try bystander.expect(.text("hold"))
      for number in 0..<3 { try bystander.expectEcho("\(number)") }
      #expect(ContinuousClock.now - start < .milliseconds(700))
      for other in others {
        _ = try other.readUpgrade()
        other.close()
      }
      bystander.close()
    }
  }

  private static func bytes(_ frame: String) -> [UInt8] {
    switch frame {
    case "pong": Frame.pong("").bytes()
    case "ping": Frame.ping("").bytes()
    case "text": Frame.text("x").bytes()
    default: Frame.continuation([], isFinal: false).bytes()
    }
  }
}

/// Sends the same frames again and again, as fast as the kernel takes them.
private final class Flooder: @unchecked Sendable {
  let peer: Peer
  private let bytes: [UInt8]
  private var position = 0

  init(_ peer: Peer, _ bytes: [UInt8]) {
    self.peer = peer
    self.bytes = bytes
  }

  /// Returns how many bytes there was room for. On one thread at a time.
  func fill() -> Int {
    let count = (try? peer.trySend(position == 0 ? bytes : Array(bytes[position...]))) ?? 0
    position = (position + count) % bytes.count
    return count
  }
}
