import Testing

@testable import Reactor

@Suite("Deadlines", .serialized)
struct DeadlineTests {
  /// A tick, and what a busy machine adds.
  private static let latenessMax = TimerWheel.nanosecondsPerTick + 100_000_000

  @Test("come neither early nor later than a tick", arguments: TestBackend.kinds)
  func precision(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let waits = [0, 1, 31, 32, 33, 63, 64, 95, 150, 333]
    let clients = try waits.map { _ in try server.connect() }
    for (client, wait) in zip(clients, waits) {
      client.tell("deadline \(wait)")
      // So that they begin at all places of a tick.
      Pause.milliseconds(7)
    }
    for (client, wait) in zip(clients, waits) {
      #expect(client.readLine() == "expired")
      let name = LineJournal.name(try server.id(of: client))
      let expirations = server.journal.expirations.withLock { $0 }
      let elapsed = try #require(expirations.first { $0.name == name }).nanoseconds
      let late = elapsed - Int64(wait) * 1_000_000
      #expect(late >= 0 && late <= Self.latenessMax, "\(late) ns late after \(wait) ms")
    }
    server.stop()
  }

  @Test(
    "count from when they are set, however long the reactor has slept before",
    arguments: TestBackend.kinds)
  func afterSleep(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    // Nothing wakes a reactor that has no connection.
    Pause.milliseconds(600)
    let client = try server.connect()
    client.tell("deadline 300")
    #expect(client.readLine() == "expired")
    let elapsed = try #require(server.journal.expirations.withLock { $0.first }).nanoseconds
    #expect(elapsed >= 300_000_000 && elapsed <= 300_000_000 + Self.latenessMax)
    server.stop()
  }

  @Test("can be moved, to later and to earlier, and come once", arguments: TestBackend.kinds)
  func moved(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let later = try server.connect()
    later.tell("deadline 50\ndeadline 250")
    let earlier = try server.connect()
    earlier.tell("deadline 5000\ndeadline 100")
    let start = ContinuousClock.now
    #expect(earlier.readLine() == "expired")
    #expect(ContinuousClock.now - start < .milliseconds(230))
    #expect(later.readLine() == "expired")
    #expect(ContinuousClock.now - start >= .milliseconds(240))
    Pause.milliseconds(100)
    #expect(server.journal.expirations.withLock { $0.count } == 2)
    server.stop()
  }

  @Test(
    "do not come to a connection that has gone, nor to the next one in its place",
    arguments: TestBackend.kinds)
  func cancelled(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let first = try server.connect()
    first.tell("deadline 150")
    let index = try server.id(of: first).index
    first.close()
    #expect(server.wait { server.total.connectionCount == 0 })
    let second = try server.connect()
    #expect(try server.id(of: second).index == index)
    Pause.milliseconds(300)
    #expect(server.journal.expirations.withLock { $0.isEmpty })
    server.stop()
  }

  @Test(
    "idle time counts from the last bytes, or from accepting", arguments: TestBackend.kinds)
  func idle(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    Pause.milliseconds(400)
    let client = try server.connect()
    #expect(idleMilliseconds(server) < 200)
    Pause.milliseconds(300)
    #expect(idleMilliseconds(server) >= 250)
    #expect(client.ask("x") == "x")
    #expect(idleMilliseconds(server) < 200)
    server.stop()
  }

  /// Of the only connection.
  private func idleMilliseconds(_ server: LineServer) -> Int {
    let answer = Answer<Int>()
    _ = server.wait { server.total.connectionCount == 1 }
    server.group.execute { reactor in
      reactor?.forEachConnection { answer.give(reactor!.idleMilliseconds(of: $0)) }
    }
    return answer.wait()
  }
}
