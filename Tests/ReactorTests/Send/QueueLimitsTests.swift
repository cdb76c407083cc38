import Synchronization
import Testing

@testable import Reactor

@Suite("What a queue takes")
struct QueueLimitsTests {
  @Test("one send is taken when nothing waits, however large; then the limit counts")
  func first() throws {
    let idle = try IdleReactor(limits(.close))
    #expect(idle.admit(1_000_000) == .accepted)
    idle.queue(1_000_000)
    #expect(idle.admit(1) == .overflow)
  }

  @Test("backpressure is told at its mark, not below, and what fits exactly is taken")
  func marks() throws {
    let idle = try IdleReactor(limits(.close))
    idle.queue(10)
    #expect(idle.admit(39) == .accepted)
    #expect(!idle.owesDrained)
    #expect(idle.admit(40) == .acceptedWithBackpressure)
    #expect(idle.owesDrained)
    #expect(idle.admit(90) == .acceptedWithBackpressure)
    #expect(idle.admit(91) == .overflow)
  }

  @Test("dropping the newest leaves what waits alone, and owes word of when it is gone")
  func dropNewest() throws {
    let idle = try IdleReactor(limits(.dropNewest))
    idle.queue(50, number: 1)
    #expect(idle.admit(51) == .dropped)
    #expect(idle.owesDrained)
    #expect(idle.queuedByteCount == 50)
  }

  @Test("dropping the oldest makes just enough room, and tells those who are dropped")
  func dropOldest() throws {
    let idle = try IdleReactor(limits(.dropOldest))
    for number in 1...4 { idle.queue(25, number: UInt64(number)) }
    #expect(idle.admit(26) == .acceptedWithBackpressure)
    #expect(idle.outcomes == [1: .dropped, 2: .dropped])
    #expect(idle.queuedByteCount == 50)
  }

  @Test("when nothing may be dropped, the new one is")
  func nothingToDrop() throws {
    let idle = try IdleReactor(limits(.dropOldest))
    idle.queue(90)
    #expect(idle.admit(11) == .dropped)
    #expect(idle.queuedByteCount == 90)
  }

  @Test("nothing is dropped in vain: not for one that has no room all the same")
  func noneInVain() throws {
    let idle = try IdleReactor(limits(.dropOldest))
    idle.queue(60)
    idle.queue(20, number: 1)
    #expect(idle.admit(41) == .dropped)
    #expect(idle.outcomes.isEmpty && idle.queuedByteCount == 80)
    #expect(idle.owesDrained)
    #expect(idle.admit(40) == .acceptedWithBackpressure)
    #expect(idle.outcomes == [1: .dropped])
  }

  @Test("dropping the oldest costs no more time the more waits", .timeLimit(.minutes(2)))
  func dropOldestOfMany() throws {
    let count = 50_000
    let idle = try IdleReactor(
      QueueLimits(byteCountMax: 2 * count, backpressureByteCount: 50, overflow: .dropOldest))
    // Offered to the kernel already: it stands before all others, and is not dropped.
    idle.queue(2)
    for _ in 1..<count { idle.queue(2, number: 1) }
    let clock = ContinuousClock()
    let duration = clock.measure {
      for _ in 0..<count where idle.admit(2) == .acceptedWithBackpressure {
        idle.queue(2, number: 1)
      }
      for _ in 0..<count { _ = idle.admit(2 * count) }
    }
    #expect(idle.queuedByteCount == 2 * count)
    #expect(duration < .seconds(5))
  }

  @Test("nothing is taken by a connection that is ending")
  func ending() throws {
    let idle = try IdleReactor(limits(.close))
    idle.connection.pointee.lifecycle = .finishing
    #expect(idle.admit(1) == .closed)
  }

  @Test("from elsewhere: what is on its way counts too, and is bounded by itself")
  func fromElsewhere() throws {
    let idle = try IdleReactor(limits(.dropOldest))
    #expect(idle.id.admission(of: 49) == .accepted)
    #expect(idle.id.admission(of: 50) == .acceptedWithBackpressure)
    #expect(idle.id.admission(of: 1_000) == .acceptedWithBackpressure, "nothing waits")
    idle.setShared(queued: 80, posted: 0)
    #expect(idle.id.admission(of: 21) == .acceptedWithBackpressure, "the owner makes room")
    idle.setShared(queued: 0, posted: 80)
    #expect(idle.id.admission(of: 20) == .acceptedWithBackpressure)
    #expect(idle.id.admission(of: 21) == .dropped, "the owner cannot keep up")
    #expect(idle.id.queuedByteCount == 80)
  }

  @Test("from elsewhere: with dropping the newest there is no need to ask the owner")
  func dropNewestFromElsewhere() throws {
    let idle = try IdleReactor(limits(.dropNewest))
    idle.setShared(queued: 80, posted: 0)
    #expect(idle.id.admission(of: 20) == .acceptedWithBackpressure)
    #expect(idle.id.admission(of: 21) == .dropped)
  }

  @Test("from elsewhere: a connection that has gone takes nothing")
  func gone() throws {
    let idle = try IdleReactor(limits(.close))
    let id = idle.id
    idle.setGone()
    #expect(id.admission(of: 1) == .closed)
    #expect(id.queuedByteCount == nil && !id.isOpen)
    #expect(id.peerAddress == nil && id.localAddress == nil && id.label == nil)
  }

  private func limits(_ overflow: QueueLimits.Overflow) -> QueueLimits {
    QueueLimits(byteCountMax: 100, backpressureByteCount: 50, overflow: overflow)
  }
}

/// A reactor that never runs, with one connection whose socket is full, used on the test's thread.
private final class IdleReactor {
  private let reactor: Reactor
  let connection: ConnectionPointer
  private let told = OutcomeTable()

  init(_ limits: QueueLimits) throws {
    var configuration = ReactorConfiguration()
    configuration.queue = limits
    reactor = try Reactor(
      position: 0, configuration: configuration, attachmentByteCount: 0, kind: .epoll)
    connection = reactor.slab.allocate()!
    connection.pointee.lifecycle = .open
    connection.pointee.flags.insert(.isSending)
    let cell = reactor.port.makeCell(at: connection.pointee.index)!
    cell.pointee.setGeneration(connection.pointee.generation, ofReactor: reactor.number)
    setShared(queued: 0, posted: 0)
  }

  deinit {
    _ = reactor.releaseAll(connection.takeQueue(), .closed)
    setShared(queued: 0, posted: 0)
    setGone()
    _ = reactor.port.close(reactor.number)
    reactor.backend.tearDown()
  }

  var id: ConnectionID { reactor.id(of: connection) }
  var queuedByteCount: Int { reactor.queuedByteCount(of: connection) }
  var owesDrained: Bool { connection.pointee.flags.contains(.owesDrained) }
  /// By number.
  var outcomes: [UInt64: SendOutcome] { told.outcomes.withLock { $0 } }

  func admit(_ byteCount: Int) -> QueueAdmission {
    reactor.admit(byteCount, to: connection)
  }

  /// Queues bytes; with a number, they may be dropped.
  func queue(_ byteCount: Int, number: UInt64 = 0) {
    let told = told
    let chunk = reactor.makeChunk(byteCount: byteCount) { outcome in
      told.outcomes.withLock { $0[number] = outcome }
    }
    reactor.enqueue(chunk, on: connection, isDroppable: number != 0)
  }

  func setShared(queued: Int, posted: Int) {
    let cell = reactor.port.cell(at: connection.pointee.index)!
    cell.pointee.queuedByteCount.store(queued, ordering: .relaxed)
    let generation = connection.pointee.generation
    cell.pointee.subtractPosted(
      cell.pointee.postedByteCount, generation: generation, ofReactor: reactor.number)
    _ = cell.pointee.addPosted(posted, generation: generation, ofReactor: reactor.number)
  }

  func setGone() {
    let cell = reactor.port.cell(at: connection.pointee.index)!
    cell.pointee.setGeneration(connection.pointee.generation &+ 1, ofReactor: reactor.number)
  }
}

private final class OutcomeTable: Sendable {
  let outcomes = ConditionLock<[UInt64: SendOutcome]>([:])
}
