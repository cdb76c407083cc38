/// A queue, first in, first out, in a ring of memory: it grows only when it holds more than ever before.
@safe package struct Deque<Element>: ~Copyable {
  package private(set) var count = 0
  private var first = 0
  /// Elements that there is room for: a power of two.
  private(set) var capacity: Int
  private var elements: UnsafeMutablePointer<Element>

  /// - Parameter capacity: a power of two; grows.
  package init(capacity: Int = 64) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a power of two is needed")
    self.capacity = capacity
    unsafe elements = .allocate(capacity: capacity)
  }

  deinit {
    for position in 0..<count { unsafe address(position).deinitialize(count: 1) }
    unsafe elements.deallocate()
  }

  package var isEmpty: Bool { count == 0 }

  @inline(__always)
  package mutating func append(_ element: Element) {
    if count == capacity { grow() }
    unsafe address(count).initialize(to: element)
    count += 1
  }

  @inline(__always)
  package mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = unsafe address(0).move()
    first = (first + 1) & (capacity - 1)
    count -= 1
    return element
  }

  /// The element at a position from the front, which is 0.
  subscript(position: Int) -> Element {
    get {
      assert(position < count)
      return unsafe address(position).pointee
    }
    set {
      assert(position < count)
      unsafe address(position).pointee = newValue
    }
  }

  @inline(__always)
  private func address(_ position: Int) -> UnsafeMutablePointer<Element> {
    unsafe elements + ((first + position) & (capacity - 1))
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: 2 * capacity)
    for position in 0..<count {
      unsafe (larger + position).initialize(to: address(position).move())
    }
    unsafe elements.deallocate()
    unsafe elements = larger
    capacity *= 2
    first = 0
  }
}
