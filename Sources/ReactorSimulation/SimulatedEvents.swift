internal import Reactor

/// What is going to happen in a simulation, soonest first; of two for the same time, the one that
/// was added first.
struct SimulatedEvents {
  enum Event {
    /// Bytes, FIN or RST reach the other end.
    case arrival(SimulatedStream)
    /// A connection reaches its listener.
    case connection(SimulatedSocket)
    /// A connection learns what has become of it.
    case outcome(SimulatedSocket, Int32)
    /// An end of a connection has tried for too long.
    case failure(SimulatedSocket, Int32)
    /// A connection's completion is to be delivered.
    case completion(SimulatedBackend, EpollToken)
    /// A write to an eventfd takes effect.
    case signal(Int32)
    /// Somebody outside of the simulation does something.
    case call(() -> Void)
  }

  private struct Entry {
    let nanoseconds: Int64
    let number: UInt64
    let event: Event

    @inline(__always)
    func comes(before other: Entry) -> Bool {
      nanoseconds != other.nanoseconds ? nanoseconds < other.nanoseconds : number < other.number
    }
  }

  private var heap: [Entry] = []
  private var addedCount: UInt64 = 0

  /// When the next one happens. Max: nothing does.
  var nextNanoseconds: Int64 { heap.first?.nanoseconds ?? .max }

  mutating func add(_ event: Event, atNanoseconds time: Int64) {
    addedCount += 1
    heap.append(Entry(nanoseconds: time, number: addedCount, event: event))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].comes(before: heap[parent]) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// The next one that has come by a time.
  mutating func takeDue(atNanoseconds now: Int64) -> Event? {
    guard let first = heap.first, first.nanoseconds <= now else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first.event }
    heap[0] = last
    var parent = 0
    while true {
      var next = 2 * parent + 1
      guard next < heap.count else { return first.event }
      if next + 1 < heap.count, heap[next + 1].comes(before: heap[next]) { next += 1 }
      guard heap[next].comes(before: heap[parent]) else { return first.event }
      heap.swapAt(parent, next)
      parent = next
    }
  }

  mutating func removeAll() {
    heap.removeAll()
  }
}
