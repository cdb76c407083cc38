import Testing

@testable import Reactor

@Suite("A queue of connections")
struct ConnectionQueueTests {
  @Test("stays in order while it grows")
  func order() {
    let slab = ConnectionSlab(capacity: 1, attachmentByteCount: 0)
    let connection = slab.allocate()!
    var queue = ConnectionQueue(capacity: 4)
    var next = 0
    for number in 0..<100 {
      queue.append(connection, number: number)
      if number % 3 == 0 {
        #expect(queue.popFirst()?.number == next)
        next += 1
      }
    }
    while let first = queue.popFirst() {
      #expect(first.number == next)
      next += 1
    }
    #expect(next == 100 && queue.count == 0)
  }

  @Test("does not grow for never being empty")
  func steady() throws {
    let slab = ConnectionSlab(capacity: 1, attachmentByteCount: 0)
    let connection = try #require(slab.allocate())
    var queue = ConnectionQueue(capacity: 4)
    for number in 0..<3 { queue.append(connection, number: number) }
    for number in 3..<1000 {
      queue.append(connection, number: number)
      #expect(queue.popFirst()?.number == number - 3)
    }
    #expect(queue.capacity == 4)
  }
}
