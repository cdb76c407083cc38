import Testing
@testable import WebSocket

@Suite("The choice of addresses")
struct AddressChoiceTests {
  private static func four(_ number: UInt32) -> SocketAddress { .ipv4(number, port: 80) }
  private static func six(_ number: UInt128) -> SocketAddress { .ipv6(number, port: 80) }

  @Test("takes the families in turn, the resolver's first one first, in the resolver's order")
  func turns() {
    let sixes = (1...3).map { Self.six($0) }
    let fours = (1...2).map { Self.four($0) }
    #expect(
      AddressChoice.order(sixes + fours, from: nil)
        == [sixes[0], fours[0], sixes[1], fours[1], sixes[2]])
    #expect(
      AddressChoice.order(fours + sixes, from: nil)
        == [fours[0], sixes[0], fours[1], sixes[1], sixes[2]])
    #expect(AddressChoice.order(fours, from: nil) == fours)
    #expect(AddressChoice.order([], from: nil).isEmpty)
  }

  @Test("takes eight of a thousand addresses, and both families if there are both")
  func countMax() {
    let sixes = (0..<1000).map { Self.six($0) }
    let fours = (0..<1000).map { Self.four($0) }
    #expect(AddressChoice.order(fours, from: nil) == Array(fours.prefix(8)))
    let both = AddressChoice.order(sixes + fours, from: nil)
    #expect(both == (0..<4).flatMap { [sixes[$0], fours[$0]] })
    let few = AddressChoice.order(sixes + fours.prefix(1), from: nil)
    #expect(few == [sixes[0], fours[0]] + sixes[1..<7])
  }

  @Test("counts an address once")
  func repeated() {
    let one = Self.four(1)
    let many = [SocketAddress](repeating: one, count: 100) + [Self.four(2), one, Self.six(1)]
    #expect(AddressChoice.order(many, from: nil) == [one, Self.six(1), Self.four(2)])
  }

  @Test("leaves out addresses of another family than the local address has")
  func local() {
    let all = [Self.six(1), Self.four(1), Self.six(2), Self.four(2)]
    #expect(AddressChoice.order(all, from: Self.four(9)) == [Self.four(1), Self.four(2)])
    #expect(AddressChoice.order(all, from: Self.six(9)) == [Self.six(1), Self.six(2)])
    #expect(AddressChoice.order(all, from: .unixPath("/x")).isEmpty)
  }
}
