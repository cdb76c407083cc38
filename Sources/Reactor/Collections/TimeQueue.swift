/// Elements that each have a time, the earliest first; of two with the same time, the one that was added first. A heap.
package struct TimeQueue<Element>: ~Copyable {
  @usableFromInline struct Entry {
    @usableFromInline let nanoseconds: Int64
    @usableFromInline let number: UInt64
    @usableFromInline let element: Element

    @inlinable
    init(nanoseconds: Int64, number: UInt64, element: Element) {
      self.nanoseconds = nanoseconds
      self.number = number
      self.element = element
    }

    @inlinable @inline(__always)
    func comes(before other: Entry) -> Bool {
      nanoseconds != other.nanoseconds ? nanoseconds < other.nanoseconds : number < other.number
    }
  }

  @usableFromInline var heap: [Entry] = []
  /// The number of the element that was added last: they count from 1.
  package private(set) var lastNumber: UInt64 = 0

  package init() {}

  /// The time of the first element. Max: there is none.
  @inlinable package var nextNanoseconds: Int64 { heap.first?.nanoseconds ?? .max }

  package mutating func add(_ element: Element, atNanoseconds time: Int64) {
    lastNumber += 1
    heap.append(Entry(nanoseconds: time, number: lastNumber, element: element))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].comes(before: heap[parent]) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes out the first element if its time has come and its number is at most `lastNumber`. Nil: there is none.
  @inlinable
  package mutating func takeDue(
    atNanoseconds now: Int64, upToNumber lastNumber: UInt64 = .max
  ) -> Element? {
    guard let first = heap.first, first.nanoseconds <= now, first.number <= lastNumber else {
      return nil
    }
    removeFirst()
    return first.element
  }

  package mutating func removeAll() {
    heap.removeAll()
  }

  @usableFromInline
  mutating func removeFirst() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    var parent = 0
    while true {
      var next = 2 * parent + 1
      guard next < heap.count else { return }
      if next + 1 < heap.count, heap[next + 1].comes(before: heap[next]) { next += 1 }
      guard heap[next].comes(before: heap[parent]) else { return }
      heap.swapAt(parent, next)
      parent = next
    }
  }
}
