import Synchronization
import Testing

@testable import Reactor

@Suite("A segment of a topic's log")
struct LogSegmentTests {
  @Test("has its messages by their ordinals: where they begin, what they are, whom they leave out")
  func messages() {
    let segment = LogSegmentPointer(capacity: 1000)
    segment.place(firstOrdinal: 100, firstByte: 5000)
    let connections = (1...5).map { ConnectionID(reactor: $0 << 20, index: $0, generation: 1) }
    for number in 1...5 {
      segment.append(number * 10, key: UInt64(number), excluding: connections[number - 1])
        .copyBytes(from: [UInt8](repeating: UInt8(number), count: number * 10))
    }
    for number in 1...5 {
      let ordinal = UInt64(99 + number)
      let offset = [0, 10, 30, 60, 100, 150][number - 1]
      #expect(segment.offset(of: ordinal) == offset)
      #expect(segment.byte(of: ordinal) == UInt64(5000 + offset))
      #expect(segment.entry(of: ordinal).key == UInt64(number))
      #expect(segment.entry(of: ordinal).excluded == connections[number - 1])
      let bytes = UnsafeRawBufferPointer(start: segment.bytes + offset, count: number * 10)
      #expect(bytes.allSatisfy { $0 == UInt8(number) })
    }
    #expect(segment.offset(of: 105) == 150)
    segment.releaseChain()
  }

  @Test("has room for bytes and entries, and says how much is left, to the last byte")
  func room() {
    let entry = LogSegmentPointer.entryByteCount
    let segment = LogSegmentPointer(capacity: 4 * (100 + entry))
    for count in 1...4 {
      _ = segment.append(100)
      #expect(segment.freeByteCount == segment.pointee.capacity - count * (100 + entry))
    }
    #expect(segment.freeByteCount == segment.pointee.capacity % (4 * (100 + entry)))
    segment.releaseChain()
  }

  @Test("finds the first message at or behind a byte")
  func search() {
    let segment = LogSegmentPointer(capacity: 1000)
    segment.place(firstOrdinal: 7, firstByte: 0)
    for byteCount in [10, 1, 20] { _ = segment.append(byteCount) }
    let found = [0, 1, 10, 11, 12, 31].map { segment.ordinal(atOrAfter: $0, below: 10) }
    #expect(found == [7, 8, 8, 9, 10, 10])
    segment.releaseChain()
  }

  @Test("lasts as long as anybody holds it, and those after it as long as anybody may follow it")
  func holding() {
    let (first, second) = (LogSegmentPointer(capacity: 16), LogSegmentPointer(capacity: 16))
    first.link(second)
    #expect(first.next == second && second.next == nil)
    // Somebody needs the bytes of the first one, and somebody else goes on with the second one.
    first.holdMemory()
    second.holdChain()
    first.releaseChain()
    #expect(first.pointee.chainCount.load(ordering: .relaxed) == 0)
    #expect(first.pointee.memoryCount.load(ordering: .relaxed) == 1)
    #expect(second.pointee.chainCount.load(ordering: .relaxed) == 1)
    first.releaseMemory()
    second.releaseChain()
  }

  @Test("lets go of a chain of any length, without a stack of that depth")
  func longChain() {
    var last = LogSegmentPointer(capacity: 16)
    let first = last
    for _ in 0..<200_000 {
      let next = LogSegmentPointer(capacity: 16)
      last.link(next)
      last = next
    }
    last.holdMemory()
    first.releaseChain()
    #expect(last.pointee.memoryCount.load(ordering: .relaxed) == 1)
    last.releaseMemory()
  }
}
