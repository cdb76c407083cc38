import Testing

@testable import Reactor

@Suite("A queue")
struct DequeTests {
  @Test("stays in order while it grows, wherever in its memory it begins")
  func order() {
    var queue = Deque<Int>(capacity: 4)
    var next = 0
    for number in 0..<1000 {
      queue.append(number)
      if number % 3 == 0 {
        #expect(queue.popFirst() == next)
        next += 1
      }
      #expect(queue.count == number + 1 - next)
      guard !queue.isEmpty else { continue }
      #expect(queue[0] == next && queue[queue.count - 1] == number)
    }
    while let first = queue.popFirst() {
      #expect(first == next)
      next += 1
    }
    #expect(next == 1000 && queue.isEmpty)
  }

  @Test("does not grow for never being empty")
  func steady() {
    var queue = Deque<Int>(capacity: 4)
    for number in 0..<3 { queue.append(number) }
    for number in 3..<1000 {
      queue.append(number)
      #expect(queue.popFirst() == number - 3)
    }
    #expect(queue.capacity == 4)
  }

  @Test("holds objects as long as they are in it, and no longer")
  func objects() {
    weak var taken: Held?
    weak var left: Held?
    do {
      var queue = Deque<Held>(capacity: 2)
      for _ in 0..<9 { queue.append(Held()) }
      taken = queue[0]
      left = queue[8]
      #expect(taken != nil && left != nil)
      _ = queue.popFirst()
      #expect(taken == nil && left != nil)
    }
    #expect(left == nil)
  }
}

private final class Held {}
