/// Connections that wait for their turn, each with a number. First in, first out.
@safe struct ConnectionQueue: ~Copyable {
  struct Element {
    let connection: ConnectionPointer
    let number: Int
  }

  private(set) var count = 0
  private var head = 0
  private var capacity: Int
  private var elements: UnsafeMutablePointer<Element>

  /// - Parameter capacity: a power of two; grows.
  init(capacity: Int = 64) {
    self.capacity = capacity
    unsafe elements = .allocate(capacity: capacity)
  }

  deinit { unsafe elements.deallocate() }

  @inline(__always)
  mutating func append(_ connection: ConnectionPointer, number: Int = 0) {
    if count == capacity { grow() }
    let position = (head + count) & (capacity - 1)
    unsafe (elements + position).initialize(to: Element(connection: connection, number: number))
    count += 1
  }

  @inline(__always)
  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let first = unsafe elements[head]
    head = (head + 1) & (capacity - 1)
    count -= 1
    return first
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: 2 * capacity)
    for position in 0..<count {
      unsafe (larger + position).initialize(to: elements[(head + position) & (capacity - 1)])
    }
    unsafe elements.deallocate()
    unsafe elements = larger
    capacity *= 2
    head = 0
  }
}
