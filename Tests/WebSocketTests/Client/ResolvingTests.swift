import Glibc
import Testing

import WebSocket

@Suite("A dial to a name", .serialized)
struct ResolvingTests {
  @Test("is let go of when it has ended, though the name is never resolved", arguments: backends)
  func ended(on kind: BackendKind) throws {
    let kept = WeakDials()
    let resolver = HeldResolver()
    defer { resolver.release() }
    try dialing(on: kind) { running in
      func keep(_ change: (inout DialOptions) -> Void = { _ in }) throws -> Dial {
        let dial = try running.dial("ws://never.invalid/", change)
        kept.add(dial)
        return dial
      }
      #expect(throws: ConnectFailure.timeout) {
        try keep { $0.connectTimeoutMilliseconds = 30 }.waitUntilOpen()
      }
      do {
        let dial = try keep()
        running.hold()()
        dial.cancel()
        #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      }
      do {
        let failureCount = running.failures.count
        let dial = try keep {
          $0.connectTimeoutMilliseconds = 10
          $0.reconnect = ReconnectPolicy()
          $0.reconnect?.delayMilliseconds = 1
          $0.reconnect?.delayMillisecondsMax = 1
        }
        #expect(eventually { running.failures.count > failureCount + 3 })
        dial.cancel()
        #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      }
      #expect(eventually { kept.count == 0 }, "\(kept.count) dials left")
      _ = try keep()
    }
    #expect(eventually { kept.count == 0 }, "\(kept.count) dials left")
  }
}

/// Keeps all threads that resolve names busy, until it is told to let them go.
final class HeldResolver {
  private let isFree = Flag()

  init() {
    let heldCount = Locked(0)
    for number in 1...8 {
      SocketAddress.resolve("127.0.3.\(number)", port: 1) { [isFree] _ in
        heldCount.withLock { $0 += 1 }
        while !isFree.isSet { usleep(500) }
      }
    }
    _ = eventually { heldCount.withLock { $0 } == 8 }
  }

  func release() { isFree.set() }
}
