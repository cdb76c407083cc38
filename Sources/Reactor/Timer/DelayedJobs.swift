/// Jobs that are to be run at a time: few, so they need no wheel. A heap, the next one first.
struct DelayedJobs: ~Copyable {
  private struct Entry {
    let nanoseconds: Int64
    /// Of two for the same time, the one that was added first runs first.
    let number: UInt64
    let job: SendCompletion

    func comes(before other: Entry) -> Bool {
      (nanoseconds, number) < (other.nanoseconds, other.number)
    }
  }

  private var heap: [Entry] = []
  private var addedCount: UInt64 = 0

  /// When the next one is to be run. Max: there is none.
  var nextNanoseconds: Int64 { heap.first?.nanoseconds ?? .max }

  mutating func add(_ job: @escaping SendCompletion, atNanoseconds time: Int64) {
    addedCount += 1
    heap.append(Entry(nanoseconds: time, number: addedCount, job: job))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].comes(before: heap[parent]) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// The number of the job that was added last.
  var lastNumber: UInt64 { addedCount }

  /// Takes out the next one that is to be run by now, of those up to a number: they count as they were
  /// added. Nil: there is none.
  mutating func takeNext(atNanoseconds now: Int64, upToNumber lastNumber: UInt64) -> SendCompletion?
  {
    guard let first = heap.first, first.nanoseconds <= now, first.number <= lastNumber else {
      return nil
    }
    removeFirst()
    return first.job
  }

  /// Takes out all that are to be run by now, in their order.
  mutating func takeDue(atNanoseconds now: Int64) -> [SendCompletion] {
    guard nextNanoseconds <= now, !heap.isEmpty else { return [] }
    var due: [SendCompletion] = []
    while let first = heap.first, first.nanoseconds <= now {
      due.append(first.job)
      removeFirst()
    }
    return due
  }

  private mutating func removeFirst() {
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
