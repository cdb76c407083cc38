import Synchronization
import Testing

@testable import Reactor

@Suite("Receiving and sending", .serialized)
struct ReceivingTests {
  @Test("pauses and goes on, and nothing is lost meanwhile", arguments: TestBackend.kinds)
  func pause(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    #expect(client.ask("hello") == "hello")
    let start = ContinuousClock.now
    client.tell("pause 200")
    Pause.milliseconds(50)
    #expect(client.ask("later") == "later")
    #expect(ContinuousClock.now - start >= .milliseconds(195))
    server.stop()
  }

  @Test("a pause holds a fast sender back", arguments: TestBackend.kinds)
  func backpressure(kind: BackendKind) throws {
    var options = ListenerOptions()
    options.receiveBufferByteCount = 32 * 1024
    let server = try LineServer(kind, options: options)
    let client = try server.connect()
    client.tell("sink\npause 400")
    Pause.milliseconds(50)
    let sender = try Thread.start(name: "sender") {
      client.send(PatternedText.bytes(40_000_000))
    }
    Pause.milliseconds(200)
    let whilePaused = server.journal.receivedByteCount.load(ordering: .relaxed)
    #expect(whilePaused < 2_000_000)
    sender.join()
    #expect(
      server.wait { server.journal.receivedByteCount.load(ordering: .relaxed) > 40_000_000 })
    server.stop()
  }

  @Test(
    "the end of the peer is seen after a pause, with all that came before it",
    arguments: TestBackend.kinds)
  func endWhilePaused(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    #expect(client.ask("x") == "x")
    client.tell("pause 100")
    Pause.milliseconds(30)
    client.tell("last")
    client.finishSending()
    #expect(client.readLine() == "last")
    #expect(client.readToEnd() == .finished)
    server.stop()
  }

  @Test(
    "a queue that has run empty is told to whoever asked, once", arguments: TestBackend.kinds)
  func drained(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    client.tell("watch\nbig 20000000")
    Pause.milliseconds(50)
    #expect(server.journal.drainedCount.load(ordering: .relaxed) == 0)
    #expect(client.read(20_000_000).utf8.count == 20_000_000)
    #expect(server.wait { server.journal.drainedCount.load(ordering: .relaxed) == 1 })
    #expect(client.ask("x") == "x")
    #expect(server.journal.drainedCount.load(ordering: .relaxed) == 1)
    server.stop()
  }

  @Test(
    "what waits to be sent can be seen from any thread, from one send on, and that it is gone",
    arguments: TestBackend.kinds)
  func queued(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    let id = try server.id(of: client)
    #expect(id.queuedByteCount == 0)
    client.tell("big 20000000")
    #expect(server.wait { (id.queuedByteCount ?? 0) > 1_000_000 })
    #expect(server.wait { server.total.queuedByteCount == UInt64(id.queuedByteCount ?? 0) })
    #expect(client.read(20_000_000) == PatternedText.string(20_000_000))
    #expect(server.wait { id.queuedByteCount == 0 && server.total.queuedByteCount == 0 })
    server.stop()
  }

  @Test(
    "one that sends without end does not keep the others from their turn",
    arguments: TestBackend.kinds)
  func fair(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let flooding = try server.connect()
    let quiet = try server.connect()
    flooding.tell("sink")
    let isOver = Atomic<Bool>(false)
    let flood = try Thread.start(name: "flood") {
      let bytes = PatternedText.bytes(1 << 20)
      while !isOver.load(ordering: .relaxed), flooding.send(bytes) {}
    }
    #expect(server.wait { server.total.receivedByteCount > 1 << 20 })
    for number in 0..<50 { #expect(quiet.ask("\(number)") == "\(number)") }
    isOver.store(true, ordering: .relaxed)
    flood.join()
    server.stop()
  }

  @Test("the statistics say what has happened", arguments: TestBackend.kinds)
  func statistics(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let before = server.total
    #expect(before.acceptedCount == 0 && before.connectionCount == 0)
    let clients = try (0..<4).map { _ in try server.connect() }
    for client in clients {
      for _ in 0..<10 { #expect(client.ask("0123456") == "0123456") }
    }
    #expect(server.wait { server.total.sentByteCount == 320 })
    let total = server.total
    #expect(total.acceptedCount == 4 && total.connectionCount == 4)
    #expect(total.receivedByteCount == 320 && total.messageCount == 40)
    #expect(total.receiveCount == 40 && total.sendCount == 40)
    #expect(total.systemCallCount > 40 && total.wakeCount >= 40)
    #expect(total.refusedCount == 0 && total.queuedByteCount == 0 && total.acceptFailureCount == 0)
    for client in clients { client.close() }
    #expect(server.wait { server.total.connectionCount == 0 })
    server.stop()
    #expect(server.total.acceptedCount == 4, "also when it has stopped")
  }

  @Test(
    "a connection that has been quiet for long still gets all that comes",
    arguments: TestBackend.kinds)
  func quiesce(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.quiesceAfterSeconds = 1 }
    let clients = try (0..<20).map { _ in try server.connect() }
    for client in clients { #expect(client.ask("x") == "x") }
    Pause.milliseconds(2600)
    for (number, client) in clients.enumerated() {
      #expect(client.ask("\(number)") == "\(number)")
      #expect(client.ask("again") == "again")
    }
    // The moment itself is the dangerous one: bytes come in while connections are being moved.
    for _ in 0..<12 {
      Pause.milliseconds(97)
      for client in clients { #expect(client.ask("x") == "x") }
    }
    server.stop()
  }
}
