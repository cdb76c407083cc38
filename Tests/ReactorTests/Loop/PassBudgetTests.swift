import Testing

@testable import Reactor

@Suite("The bounds of a pass")
struct PassBudgetTests {
  @Test("however little time there is, one piece may be begun")
  func first() {
    var budget = PassBudget(nanoseconds: 0)
    for _ in 0..<3 {
      budget.begin()
      #expect(budget.allowsAnother() == true)
      #expect(budget.allowsAnother() == false)
      #expect(budget.isSpent)
      #expect(budget.allowsAnother() == false)
    }
  }

  @Test("with time enough there is no end")
  func endless() {
    var budget = PassBudget(nanoseconds: .max)
    budget.begin()
    for number in 0..<10_000 {
      #expect(budget.allowsAnother() == true)
      budget.note(byteCount: number)
    }
  }

  @Test("time that has gone by is noticed after a large piece, or a few small ones")
  func time() {
    var budget = PassBudget(nanoseconds: 1_000_000)
    budget.begin()
    for _ in 0..<2 { #expect(budget.allowsAnother() == true) }
    TestSocket.pause(milliseconds: 2)
    budget.note(byteCount: 65_536)
    #expect(budget.allowsAnother() == false)

    budget.begin()
    for _ in 0..<2 { #expect(budget.allowsAnother() == true) }
    TestSocket.pause(milliseconds: 2)
    let count = (0..<100).count { _ in budget.allowsAnother() }
    #expect(count <= 8)
  }

  @Test("one that is extended goes on")
  func extended() {
    var budget = PassBudget(nanoseconds: 0)
    budget.begin()
    #expect(budget.allowsAnother() == true)
    #expect(budget.allowsAnother() == false)
    budget.extend(byNanoseconds: 60_000_000_000)
    for _ in 0..<100 { #expect(budget.allowsAnother() == true) }
  }

  @Test(
    "reads become smaller when they take long, and larger when they are quick and fill the buffer")
  func reads() {
    let capacity = 512 * 1024
    var notes = TurnNotes()
    #expect(notes.byteCountMax(of: capacity) == 16 * 1024)
    #expect(notes.isUnproven && notes.measures(8192) && !notes.measures(8191))
    var sizes: [Int] = []
    for _ in 0..<6 {
      notes.note(nanoseconds: 100_000, hasFilled: true)
      sizes.append(notes.byteCountMax(of: capacity) / 1024)
    }
    #expect(sizes == [32, 64, 128, 256, 512, 512])
    #expect(!notes.isUnproven && !notes.contains(.isCostly))

    sizes = []
    for _ in 0..<7 {
      notes.note(nanoseconds: 1_000_001, hasFilled: true)
      sizes.append(notes.byteCountMax(of: capacity) / 1024)
    }
    #expect(sizes == [256, 128, 64, 32, 16, 8, 8])
    #expect(notes.contains(.isCostly) && notes.measures(1))

    notes.note(nanoseconds: 100_000, hasFilled: false)
    #expect(!notes.contains(.isCostly))
    #expect(notes.byteCountMax(of: capacity) == 8 * 1024)
  }

  @Test("a buffer is never read into beyond its end")
  func smallBuffer() {
    #expect(TurnNotes().byteCountMax(of: 4096) == 4096)
    #expect(TurnNotes().byteCountMax(of: 65_536) == 8192)
  }
}
