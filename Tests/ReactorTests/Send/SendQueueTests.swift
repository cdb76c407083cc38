import Testing

@testable import Reactor

@Suite("A connection's send queue")
struct SendQueueTests {
  @Test("offers what is left, in order, wherever the kernel stopped")
  func consume() {
    // Shared and lone chunks; sizes around those of a shared chunk.
    let sizes = [3, 1, 430, 20, 4000, 7, 7]
    let total = sizes.reduce(0, +)
    for step in [1, 2, 3, 7, 100, 431, 4096, total] {
      let queue = QueueModel()
      for (position, size) in sizes.enumerated() {
        position % 3 == 2 ? queue.append(size, number: UInt64(position)) : queue.reserve(size)
      }
      while let (bytes, _) = queue.gather() {
        guard bytes == queue.expected else {
          Issue.record("wrong bytes, in steps of \(step)")
          break
        }
        _ = queue.consume(min(step, bytes.count))
        #expect(queue.connection.pointee.queuedByteCount == queue.expected.count)
      }
      #expect(queue.expected.isEmpty)
      #expect(queue.connection.pointee.sendHead == nil && queue.connection.pointee.sendTail == nil)
    }
  }

  @Test("a completion is owed when the last byte is in the kernel, in the order of the sends")
  func completions() {
    let queue = QueueModel()
    queue.append(10, number: 1)
    queue.reserve(5)
    queue.append(10, number: 2)
    queue.append(10, number: 3)
    #expect(queue.consume(9) == [])
    #expect(queue.consume(1) == [1])
    #expect(queue.consume(14) == [])
    #expect(queue.consume(11) == [2, 3])
  }

  @Test("small sends share a chunk, but none joins one that is sealed")
  func sharing() {
    let queue = QueueModel()
    for _ in 0..<20 { queue.reserve(20) }
    #expect(queue.gather()?.vectorCount == 1)
    queue.append(20, number: 1)
    for _ in 0..<20 { queue.reserve(20) }
    #expect(queue.gather()?.vectorCount == 3)
    #expect(queue.gather()?.bytes == queue.expected)
  }

  @Test("bytes queued while others are in flight come behind them, in the same chunk or not")
  func behindFlight() {
    let queue = QueueModel()
    queue.reserve(100)
    let flight = queue.gather()?.bytes.count ?? 0
    queue.reserve(100)
    queue.append(100, number: 1)
    _ = queue.consume(flight)
    #expect(queue.gather()?.bytes == queue.expected)
    #expect(queue.expected.count == 200)
  }

  @Test("one send names a bounded number of pieces and of bytes, but always something")
  func bounds() {
    let pieces = QueueModel()
    for number in 0..<40 { pieces.append(1, number: UInt64(number)) }
    #expect(pieces.gather()?.vectorCount == SendBatch.vectorCountMax)
    let bytes = QueueModel()
    for number in 0..<6 { bytes.append(100_000, number: UInt64(number)) }
    #expect(bytes.gather()?.bytes.count == 300_000, "the piece that passes the bound is the last")
    let huge = QueueModel()
    huge.append(3 << 20, number: 0)
    #expect(huge.gather()?.bytes.count == 3 << 20)
    #expect(QueueModel().gather() == nil)
  }

  @Test("the oldest are dropped first, until there is room and no further")
  func dropOldest() {
    let queue = QueueModel()
    for number in 1...5 { queue.append(10, number: UInt64(number), isDroppable: true) }
    #expect(queue.drop(11) == [1, 2])
    #expect(queue.connection.pointee.queuedByteCount == 30)
    #expect(queue.drop(.max) == [3, 4, 5])
    #expect(queue.connection.pointee.sendHead == nil && queue.connection.pointee.sendTail == nil)
    queue.reserve(5)
    #expect(queue.gather()?.bytes == queue.expected.suffix(5))
  }

  @Test("what may not be dropped stays, and the queue stays whole around it")
  func undroppable() {
    let queue = QueueModel()
    queue.append(10, number: 1, isDroppable: true)
    queue.append(10, number: 2)
    queue.append(10, number: 3, isDroppable: true)
    #expect(queue.drop(.max) == [1, 3])
    #expect(queue.gather()?.bytes == Array(queue.expected[10..<20]))
    queue.reserve(3)
    #expect(queue.gather()?.bytes == Array(queue.expected[10..<20] + queue.expected[30...]))
  }

  @Test("what the kernel was offered is not dropped any more: a frame must not be cut")
  func offered() {
    let queue = QueueModel()
    queue.append(10, number: 1, isDroppable: true)
    #expect(queue.gather() != nil)
    queue.append(10, number: 2, isDroppable: true)
    #expect(queue.drop(.max) == [2])
    #expect(queue.connection.pointee.queuedByteCount == 10)
  }

  @Test("a message in fragments is dropped whole, and counted whole")
  func dropFragments() {
    let queue = QueueModel()
    queue.append(fragments: [10, 10, 5], number: 1, isDroppable: true)
    queue.append(10, number: 2, isDroppable: true)
    #expect(queue.connection.canDrop(25))
    #expect(queue.drop(1) == [1, 1, 1])
    #expect(queue.connection.pointee.queuedByteCount == 10)
    queue.append(fragments: [10, 5], number: 3, isDroppable: true)
    #expect(queue.drop(11) == [2, 3, 3])
    queue.reserve(4)
    #expect(queue.gather()?.bytes == queue.expected.suffix(4))
  }

  @Test("a message in fragments of which one has been offered is not dropped any more")
  func offeredFragments() {
    let queue = QueueModel()
    let size = SendBatch.byteCountMax
    queue.append(fragments: [size, size, size], number: 1, isDroppable: true)
    #expect(queue.gather()?.bytes.count == size)
    #expect(!queue.connection.canDrop(1) && queue.drop(.max) == [])
    _ = queue.consume(size)
    #expect(queue.drop(.max) == [] && queue.connection.pointee.queuedByteCount == 2 * size)
  }

  @Test(
    "control frames go in front of the first fragment that has not been offered, in their order")
  func control() {
    let queue = QueueModel()
    queue.reserve(5)
    #expect(!queue.insertControl(1), "there is no fragment")
    let size = SendBatch.byteCountMax
    queue.append(fragments: [size, size, 3], number: 1)
    #expect(queue.gather()?.bytes.count == size + 5)
    #expect(queue.insertControl(2) && queue.insertControl(1))
    #expect(queue.connection.pointee.queuedByteCount == 2 * size + 11)
    // In the middle of a fragment nothing is inserted.
    _ = queue.consume(size - 100)
    #expect(queue.insertControl(1))
    let bytes = queue.gather()?.bytes ?? []
    #expect(bytes.prefix(105) == queue.expected.prefix(105))
    #expect(Array(bytes[105..<109]) == [255, 255, 255, 255])
    #expect(bytes[109...].elementsEqual(queue.expected[105..<(105 + size)]))
  }
}
