/// Connections that wait for their turn, each with a number. First in, first out.
@safe struct ConnectionQueue: ~Copyable {
  struct Element {
    let connection: ConnectionPointer
    let number: Int
    /// It has had its turn otherwise, and only its place is left.
    var isVoid: Bool { number < 0 }
  }

  private(set) var count = 0
  private var head = 0
  /// Places there are. Those of elements that have been taken are used again.
  private(set) var capacity: Int
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

  /// The place of a connection's last element that is not void, from the front of the queue.
  func lastPosition(of connection: ConnectionPointer) -> Int? {
    var position = count
    while position > 0 {
      position -= 1
      let element = unsafe elements[(head + position) & (capacity - 1)]
      if element.connection == connection, !element.isVoid { return position }
    }
    return nil
  }

  /// Makes an element void. Returns its number, which is not negative.
  mutating func void(at position: Int) -> Int {
    let place = (head + position) & (capacity - 1)
    let element = unsafe elements[place]
    unsafe elements[place] = Element(connection: element.connection, number: -1)
    return element.number
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
