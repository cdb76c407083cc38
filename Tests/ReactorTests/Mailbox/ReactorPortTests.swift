import Synchronization
import Testing

@testable import Reactor

@Suite("Ports: what other threads see of a reactor")
struct ReactorPortTests {
  @Test("a port is used again, its number never is, and a stopped one is found no more")
  func numbers() throws {
    var seen: Set<UInt32> = []
    var eventDescriptors: Set<Int32> = []
    for _ in 0..<100 {
      let (port, number) = try ReactorPort.open(QueueLimits())
      #expect(number != 0)
      #expect(seen.insert(number).inserted)
      eventDescriptors.insert(port.pointee.mailbox.eventDescriptor)
      #expect(ReactorPort.live(number) != nil)
      #expect(port.close(number) == nil)
      #expect(ReactorPort.live(number) == nil)
    }
    // Other tests run reactors meanwhile, which may take one.
    #expect(eventDescriptors.count < 50)
    for number in seen { #expect(ReactorPort.live(number) == nil) }
    #expect(ReactorPort.live(0) == nil)
  }

  @Test("a port knows the limits of its present reactor, and none of the texts of the one before")
  func fresh() throws {
    let limits = QueueLimits(byteCountMax: 7, backpressureByteCount: 3, overflow: .dropOldest)
    let (port, number) = try ReactorPort.open(limits)
    #expect(port.queueLimits == limits)
    _ = port.pointee.labels.intern("old")
    _ = port.close(number)
    let (next, nextNumber) = try ReactorPort.open(QueueLimits())
    #expect(next.queueLimits == QueueLimits())
    #expect(next.pointee.labels.value(at: 0) == nil)
    _ = next.close(nextNumber)
  }

  @Test("a cell is made once, stays where it is, and begins closed and empty")
  func cells() throws {
    let (port, number) = try ReactorPort.open(QueueLimits())
    defer { _ = port.close(number) }
    #expect(port.cell(at: .max) == nil)
    let index: UInt32 = 3 * 1024 + 17
    let cell = try #require(port.makeCell(at: index))
    let generation = cell.pointee.generation.load(ordering: .relaxed)
    cell.pointee.generation.store(generation &+ 1, ordering: .relaxed)
    let again = try #require(port.cell(at: index))
    #expect(again.pointee.generation.load(ordering: .relaxed) == generation &+ 1)
    cell.pointee.generation.store(generation &+ 2, ordering: .relaxed)
    let neighbour = try #require(port.makeCell(at: index + 1))
    #expect(neighbour.pointee.queuedByteCount.load(ordering: .relaxed) == 0)
  }

  @Test("a job for a reactor that has stopped is told so at once, whoever has its port now")
  func stoppedJob() throws {
    let (port, number) = try ReactorPort.open(QueueLimits())
    _ = port.close(number)
    let (_, next) = try ReactorPort.open(QueueLimits())
    let call = ConditionLock<JobCall?>(nil)
    ReactorPort.execute({ told in call.withLock { $0 = told } }, onReactor: number)
    #expect(call.withLock { $0 } == .gone)
    _ = ReactorPort.live(next)?.close(next)
  }
}
