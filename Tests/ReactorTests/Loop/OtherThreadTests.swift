import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite("From other threads", .serialized)
struct OtherThreadTests {
  @Test(
    "a connection's id tells its addresses, its label and that it is there; then that it is not",
    arguments: TestBackend.kinds)
  func id(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    let id = try server.id(of: client)
    #expect(id.isOpen)
    #expect(id.peerAddress == client.localAddress)
    #expect(id.localAddress == server.group.addresses[0])
    #expect(id.label == nil)
    client.tell("label gold")
    #expect(client.ask("x") == "x")
    #expect(id.label == "gold")
    client.close()
    #expect(server.wait { !id.isOpen })
    #expect(id.peerAddress == nil && id.label == nil && id.queuedByteCount == nil)
    // The next one in its place is another one.
    for _ in 0..<8 {
      let next = try server.connect()
      #expect(try server.id(of: next) != id)
      #expect(!id.isOpen)
    }
    server.stop()
  }

  @Test(
    "posts of each thread come to each connection whole and in order",
    arguments: TestBackend.kinds)
  func order(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.queue.byteCountMax = 1 << 30 }
    let clients = try (0..<4).map { _ in try server.connect() }
    let ids = try clients.map { try server.id(of: $0) }
    let sentCount = Atomic<Int>(0)
    let threads = try (0..<4).map { thread in
      try Thread.start(name: "sender") {
        for number in 0..<500 {
          for id in ids {
            let chunk = PostedChunk.line("\(thread) \(number)") { outcome in
              if outcome == .sent { sentCount.add(1, ordering: .relaxed) }
            }
            if !id.post(chunk) { chunk.drop(.closed) }
          }
        }
      }
    }
    for client in clients {
      var next = [0, 0, 0, 0]
      for _ in 0..<2000 {
        let line = try #require(client.readLine())
        let words = line.split(separator: " ").compactMap { Int($0) }
        guard words.count == 2, words[1] == next[words[0]] else {
          Issue.record("\(line) is out of order")
          break
        }
        next[words[0]] += 1
      }
      #expect(next == [500, 500, 500, 500])
    }
    for thread in threads { thread.join() }
    #expect(server.wait { sentCount.load(ordering: .relaxed) == 8000 })
    #expect(ids.allSatisfy { $0.queuedByteCount == 0 })
    server.stop()
  }

  @Test(
    "a sender that was refused hears of room also if all has left by the time its refusal arrives",
    arguments: TestBackend.kinds)
  func refusedTooLate(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    let id = try server.id(of: client)
    #expect(client.ask("nothing waits") == "nothing waits")
    for count in 1...3 {
      id.reportRefusal()
      #expect(server.wait { server.journal.drainedCount.load(ordering: .relaxed) == count })
    }
    client.close()
    server.stop()
  }

  @Test(
    "each post is told its end exactly once, while peers come, go and reset",
    arguments: TestBackend.kinds)
  func everyEnd(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.queue.byteCountMax = 1 << 30 }
    let targets = ConditionLock<[ConnectionID]>([])
    let isOver = Atomic<Bool>(false)
    let postedCount = Atomic<Int>(0)
    let toldCount = Atomic<Int>(0)
    let threads = try (0..<3).map { _ in
      try Thread.start(name: "sender") {
        while !isOver.load(ordering: .relaxed) {
          for id in targets.withLock({ $0 }) {
            postedCount.add(1, ordering: .relaxed)
            let chunk = PostedChunk.line("some line") { _ in
              toldCount.add(1, ordering: .relaxed)
            }
            if !id.post(chunk) { chunk.drop(.closed) }
          }
          Pause.milliseconds(1)
        }
      }
    }
    var random = SeededGenerator(seed: 1)
    for _ in 0..<150 {
      let client = try server.connect()
      let id = try server.id(of: client)
      targets.withLock { $0 = $0.suffix(8) + [id] }
      switch Int.random(in: 0..<4, using: &random) {
      case 0: client.reset()
      case 1: client.tell("abort")
      case 2: client.tell("finish")
      default: client.close()
      }
    }
    isOver.store(true, ordering: .relaxed)
    for thread in threads { thread.join() }
    server.stop()
    #expect(postedCount.load(ordering: .relaxed) > 100)
    #expect(toldCount.load(ordering: .relaxed) == postedCount.load(ordering: .relaxed))
  }

  @Test(
    "jobs run on the reactors' threads, in the order of who gave them",
    arguments: TestBackend.kinds)
  func jobs(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let seen = ConditionLock<[Int: [Int]]>([:])
    for number in 0..<100 {
      server.group.execute { reactor in
        guard let reactor, reactor === Reactor.current else { return }
        seen.withLock { $0[reactor.position, default: []].append(number) }
      }
    }
    #expect(server.wait { seen.withLock { $0.values.map(\.count).reduce(0, +) } == 200 })
    #expect(seen.withLock { $0 } == [0: Array(0..<100), 1: Array(0..<100)])
    #expect(Reactor.current == nil, "this thread is no reactor's")
    server.stop()
  }

  @Test(
    "what is posted or given to do after the stop is told so, on the thread that gave it",
    arguments: TestBackend.kinds)
  func afterStop(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    let id = try server.id(of: client)
    client.close()
    server.stop()
    // A reactor that has the same port now must not get what was meant for the old one.
    let next = try LineServer(kind)
    let other = try next.connect()
    _ = try next.id(of: other)
    let thread = pthread_self()
    let told = ConditionLock<[Bool]>([])
    server.group.execute { reactor in
      told.withLock { $0.append(reactor == nil && pthread_self() == thread) }
    }
    #expect(told.withLock { $0 } == [true, true])
    #expect(!id.execute { _ in })
    let outcome = ConditionLock<SendOutcome?>(nil)
    let chunk = PostedChunk.line("too late") { told in outcome.withLock { $0 = told } }
    #expect(!id.post(chunk))
    #expect(outcome.withLock { $0 } == nil, "it is still ours")
    chunk.drop(.closed)
    #expect(outcome.withLock { $0 } == .closed)
    #expect(other.ask("x") == "x")
    next.stop()
  }

  @Test(
    "a post by a thread so slow that its reactor was replaced meanwhile reaches nobody",
    arguments: TestBackend.kinds)
  func latePost(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let client = try server.connect()
    let id = try server.id(of: client)
    // As if the id were one of the reactor before, which had the same port, slot and generation.
    let late = ConnectionID(reactor: id.reactor &- 1024, index: id.index, generation: id.generation)
    let outcome = Answer<SendOutcome>()
    let chunk = PostedChunk.line("late") { outcome.give($0) }
    chunk.pointer.pointee.entry.reactorNumber = late.reactor
    chunk.pointer.pointee.connectionIndex = late.index
    chunk.pointer.pointee.generation = late.generation
    let port = try #require(ReactorPort.live(id.reactor))
    let cell = try #require(port.cell(at: id.index))
    let isCounted = cell.pointee.addPosted(
      chunk.content.count, generation: late.generation, ofReactor: late.reactor)
    #expect(!isCounted)
    let isPosted = port.pointee.mailbox.post(chunk.pointer.entry)
    #expect(isPosted)
    #expect(outcome.wait() == .closed)
    #expect(client.ask("x") == "x", "and not \"late\"")
    #expect(id.queuedByteCount == 0)
    server.stop()
  }

  @Test(
    "a post of no bytes is told as sent, and holds nobody up", arguments: TestBackend.kinds)
  func empty(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let client = try server.connect()
    let id = try server.id(of: client)
    let outcome = Answer<SendOutcome>()
    #expect(id.post(PostedChunk(byteCount: 0, kind: 0, completion: { outcome.give($0) }) { _ in }))
    #expect(outcome.wait() == .sent)
    #expect(id.post(PostedChunk(byteCount: 0, kind: 0) { _ in }))
    #expect(client.ask("x") == "x")
    server.stop()
  }

  @Test("a batch of posts costs few wakes", arguments: TestBackend.kinds)
  func fewWakes(kind: BackendKind) throws {
    let server = try LineServer(kind) { $0.reactorCount = 1 }
    let client = try server.connect()
    let id = try server.id(of: client)
    let wakesBefore = server.total.wakeCount
    // The reactor is busy with the first job while the others are given to it.
    server.group.execute { _ in Pause.milliseconds(100) }
    for number in 0..<1000 { #expect(id.post(PostedChunk.line("\(number)"))) }
    for number in 0..<1000 { #expect(client.readLine() == "\(number)") }
    #expect(server.wait { server.total.postedCount >= 1001 })
    #expect(server.total.wakeCount - wakesBefore < 20)
    #expect(server.total.sendCount < 20)
    server.stop()
  }
}

extension PostedChunk {
  /// A line to be sent.
  static func line(_ text: String, completion: SendCompletion? = nil) -> PostedChunk {
    let line = text + "\n"
    return PostedChunk(byteCount: line.utf8.count, kind: 0, completion: completion) { room in
      room.copyBytes(from: line.utf8)
    }
  }
}
