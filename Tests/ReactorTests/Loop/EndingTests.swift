import Glibc
import Testing

@testable import Reactor

@Suite("A connection ends", .serialized)
struct EndingTests {
  @Test(
    "by finish: with all that is queued, then FIN, then what the peer says to that",
    arguments: TestBackend.kinds)
  func finish(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    let id = try server.id(of: client)
    client.tell("big 3000000\nfinish")
    #expect(client.read(3_000_000) == PatternedText.string(3_000_000))
    #expect(client.readLine() == "finished")
    #expect(client.readToEnd() == .finished)
    #expect(id.isOpen, "the peer has not ended yet")
    client.tell("this is not looked at")
    client.finishSending()
    #expect(server.wait { !id.isOpen })
    #expect(server.journal.closing(id)?.errorCode == nil)
    server.stop()
  }

  @Test(
    "by finish: what the peer still sends does not turn the end into a reset",
    arguments: TestBackend.kinds)
  func finishWhilePeerSends(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    client.tell("finish")
    for _ in 0..<20 { client.send(Array(repeating: 120, count: 10_000)) }
    #expect(client.readLine() == "finished")
    #expect(client.readToEnd() == .finished)
    server.stop()
  }

  @Test(
    "by finish: of a peer that never ends, by reset, in time", arguments: TestBackend.kinds)
  func lingering(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.lingerMilliseconds = 200 }
    let client = try server.connect()
    let id = try server.id(of: client)
    let start = ContinuousClock.now
    client.tell("finish")
    #expect(client.readLine() == "finished")
    #expect(server.wait { !id.isOpen })
    let elapsed = ContinuousClock.now - start
    #expect(elapsed >= .milliseconds(195) && elapsed < .milliseconds(1000))
    #expect(server.journal.closing(id)?.errorCode == ETIMEDOUT)
    server.stop()
  }

  @Test(
    "by finish: of a peer that never reads, by reset, in time", arguments: TestBackend.kinds)
  func finishUnread(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.lingerMilliseconds = 200 }
    let client = try server.connect()
    let id = try server.id(of: client)
    client.tell("big 30000000\nfinish")
    #expect(server.wait { !id.isOpen })
    #expect(client.readToEnd() == .reset)
    server.stop()
  }

  @Test("by abort: with RST, also behind bytes that wait", arguments: TestBackend.kinds)
  func abort(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let idle = try server.connect()
    let id = try server.id(of: idle)
    idle.tell("abort")
    #expect(idle.readToEnd() == .reset)
    #expect(server.wait { !id.isOpen })
    #expect(server.journal.closing(id)?.errorCode == nil, "it was our wish")
    let busy = try server.connect()
    busy.tell("big 30000000")
    Pause.milliseconds(50)
    busy.tell("abort")
    #expect(busy.readToEnd() == .reset)
    server.stop()
  }

  @Test("by the peer: with FIN, after all it asked for", arguments: TestBackend.kinds)
  func peerFinishes(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    let id = try server.id(of: client)
    client.tell("big 1000000")
    client.finishSending()
    #expect(client.read(1_000_000) == PatternedText.string(1_000_000))
    #expect(client.readToEnd() == .finished)
    #expect(server.wait { !id.isOpen })
    #expect(server.journal.closing(id)?.errorCode == nil)
    server.stop()
  }

  @Test("by the peer: with RST, and says so", arguments: TestBackend.kinds)
  func peerResets(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    let id = try server.id(of: client)
    client.reset()
    #expect(server.wait { server.journal.closing(id) != nil })
    #expect(server.journal.closing(id)?.errorCode == ECONNRESET)
    server.stop()
  }

  @Test(
    "by stopping: at once if peers agree, else in the time they have",
    arguments: TestBackend.kinds)
  func stop(kind: BackendKind) throws {
    let server = try LineServer(kind) {
      $0.stopMilliseconds = 300
      $0.lingerMilliseconds = 60_000
    }
    // One does not answer FIN, one is not even told, one does not read what comes before it.
    let silent = try server.connect()
    let kept = try server.connect()
    let stubborn = try server.connect()
    #expect(silent.ask("x") == "x")
    kept.tell("keep")
    #expect(kept.ask("x") == "x")
    stubborn.tell("big 30000000")
    #expect(server.wait { server.total.queuedByteCount > 0 })
    let start = ContinuousClock.now
    let wakesBefore = server.total.wakeCount
    server.stop()
    let elapsed = ContinuousClock.now - start
    #expect(elapsed >= .milliseconds(295) && elapsed < .milliseconds(800), "\(elapsed)")
    #expect(server.total.wakeCount - wakesBefore < 50, "it waits, and does not spin")
    let codes = server.journal.closings.withLock { $0.map(\.errorCode) }
    #expect(codes == [ETIMEDOUT, ETIMEDOUT, ETIMEDOUT])
    let friendly = try LineServer(kind)
    let client = try friendly.connect()
    #expect(client.ask("x") == "x")
    friendly.group.stop()
    #expect(client.readToEnd() == .finished)
    client.close()
    let again = ContinuousClock.now
    friendly.stop()
    #expect(ContinuousClock.now - again < .milliseconds(250))
  }
}
