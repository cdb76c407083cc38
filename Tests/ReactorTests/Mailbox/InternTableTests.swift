import Testing

@testable import Reactor

@Suite("Values that many connections have in common")
struct InternTableTests {
  @Test("the same value has the same position, and the position leads back to it")
  func positions() {
    let table = InternTable<String>()
    let first = table.intern("chat")
    let second = table.intern("news")
    #expect(first == 0 && second == 1)
    #expect(table.intern("chat") == 0)
    #expect(table.value(at: 1) == "news")
    #expect(table.value(at: 2) == nil)
    table.removeAll()
    #expect(table.value(at: 0) == nil)
    #expect(table.intern("news") == 0)
  }

  @Test("so many different ones and no more, but those it has are still found")
  func full() {
    let table = InternTable<Int>()
    for value in 0..<4096 { #expect(table.intern(value) == value) }
    #expect(table.intern(4096) == nil)
    #expect(table.intern(4095) == 4095)
  }
}
