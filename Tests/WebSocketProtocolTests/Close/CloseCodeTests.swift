import Testing
import WebSocketProtocol

@Suite("A close code")
struct CloseCodeTests {
  @Test("has one for the wire: itself, none, or 1011 (§7.4)")
  func forWire() {
    for number in UInt16.min...UInt16.max {
      let code = CloseCode(rawValue: number)
      let expected: CloseCode? =
        switch number {
        case 1000...1003, 1007...1014, 3000...4999: code
        case 1005: nil
        default: .internalError
        }
      #expect(code.forWire == expected)
    }
  }

  @Test("that no frame may carry is replaced by a session, too")
  func session() {
    for (number, expected) in [(1005, nil), (1006, 1011), (999, 1011), (4000, 4000)]
      as [(UInt16, UInt16?)]
    {
      var session = Session(role: .client)
      let code = expected.map { CloseCode(rawValue: $0) }
      #expect(session.close(with: CloseCode(rawValue: number)) == .sendClose(code))
      var failing = Session(role: .client)
      let action = failing.fail(with: CloseCode(rawValue: number))
      #expect(action == .sendCloseThenEnd(code ?? .internalError))
    }
  }
}
