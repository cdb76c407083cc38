import Glibc
import Testing

@testable import Reactor
@testable import WebSocket

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

  @Test("has its time, however long that is, and not more", arguments: backends)
  func timeout(on kind: BackendKind) throws {
    let resolver = HeldResolver()
    defer { resolver.release() }
    try dialing(on: kind) { running in
      let dial = try running.dial("ws://never.invalid/") { $0.connectTimeoutMilliseconds = 1_300 }
      let time = seconds {
        #expect(throws: ConnectFailure.timeout) { try dial.waitUntilOpen() }
      }
      #expect(time >= 1.25 && time < 4)
    }
  }

  @Test("leaves nothing behind that waits for the end of its time", arguments: backends)
  func jobs(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let dial = try running.dial("ws://localhost:\(server.port)/") {
        $0.connectTimeoutMilliseconds = 3_600_000
      }
      let peer = try server.open()
      _ = try dial.waitUntilOpen()
      let next = Locked<Int64?>(nil)
      running.client.group.execute { reactor in
        guard let reactor else { return }
        let time = reactor.state.value.delayedJobs.nextNanoseconds
        next.withLock { $0 = time == .max ? 0 : time - reactor.nowNanoseconds }
      }
      #expect(eventually { next.withLock { $0 } != nil })
      #expect(try #require(next.withLock { $0 }) <= 2_000_000_000)
      peer.close()
    }
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
