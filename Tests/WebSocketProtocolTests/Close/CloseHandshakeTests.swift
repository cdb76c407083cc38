import Testing
import WebSocketProtocol

@Suite("RFC 6455 §7.1: the closing handshake")
struct CloseHandshakeTests {
  @Test(
    "a close of ours awaits the peer's, then the server ends TCP",
    arguments: [Role.server, .client])
  func ours(role: Role) {
    var handshake = CloseHandshake.open
    #expect(handshake.close(with: .goingAway, role: role) == .sendClose(.goingAway))
    #expect(handshake == .sent(.goingAway))
    #expect(!handshake.isClean)
    #expect(handshake.connectionCloseCode == .abnormalClosure)
    handshake.receive(.goingAway)
    #expect(handshake == .completed(sent: .goingAway, received: .goingAway))
    #expect(handshake.answer(role: role) == (role == .server ? .end : .none))
    #expect(handshake.isClean)
  }

  @Test("a close of the peer is answered with its own code", arguments: [nil, CloseCode.goingAway])
  func theirs(code: CloseCode?) {
    var server = CloseHandshake.open
    server.receive(code)
    #expect(server == .received(code))
    #expect(server.answer(role: .server) == .sendCloseThenEnd(code))
    #expect(server == .completed(sent: code, received: code))

    var client = CloseHandshake.open
    client.receive(code)
    #expect(client.answer(role: .client) == .sendClose(code))
    #expect(client == .completed(sent: code, received: code))
  }

  @Test("an application may answer with a code of its own before the answer is due")
  func ownAnswer() {
    var handshake = CloseHandshake.open
    handshake.receive(.normalClosure)
    #expect(handshake.close(with: .goingAway, role: .server) == .sendCloseThenEnd(.goingAway))
    #expect(handshake.answer(role: .server) == .end)
    #expect(handshake == .completed(sent: .goingAway, received: .normalClosure))
    #expect(handshake.connectionCloseCode == .normalClosure)
  }

  @Test("closes that cross on the way are enough: neither end answers")
  func crossing() {
    var server = CloseHandshake.open
    var client = CloseHandshake.open
    #expect(server.close(with: .goingAway, role: .server) == .sendClose(.goingAway))
    #expect(client.close(with: .normalClosure, role: .client) == .sendClose(.normalClosure))
    server.receive(.normalClosure)
    client.receive(.goingAway)
    #expect(server.answer(role: .server) == .end)
    #expect(client.answer(role: .client) == .none)
    #expect(server == .completed(sent: .goingAway, received: .normalClosure))
    #expect(client == .completed(sent: .normalClosure, received: .goingAway))
  }

  @Test("a second close is not sent", arguments: [Role.server, .client])
  func twice(role: Role) {
    var handshake = CloseHandshake.open
    _ = handshake.close(with: .goingAway, role: role)
    #expect(handshake.close(with: .normalClosure, role: role) == .none)
    handshake.receive(nil)
    #expect(handshake.close(with: .normalClosure, role: role) == .none)
    #expect(handshake == .completed(sent: .goingAway, received: nil))
    handshake.receive(.normalClosure)
    #expect(handshake.connectionCloseCode == .noStatusReceived)
  }

  @Test("a failure is told to the peer if it can still be told, and ends the connection")
  func failure() {
    var open = CloseHandshake.open
    #expect(open.fail(with: .protocolError) == .sendCloseThenEnd(.protocolError))
    #expect(open.fail(with: .protocolError) == .end)
    #expect(open == .failed(sent: .protocolError))
    #expect(!open.isClean)
    #expect(open.close(with: nil, role: .server) == .none)
    #expect(open.answer(role: .server) == .none)

    var sent = CloseHandshake.sent(nil)
    #expect(sent.fail(with: .protocolError) == .end)
    #expect(sent == .failed(sent: nil))

    var received = CloseHandshake.received(.goingAway)
    #expect(received.fail(with: .internalError) == .sendCloseThenEnd(.internalError))
    #expect(received.connectionCloseCode == .goingAway)
  }

  @Test("no data may follow our close frame, but data may precede the answer to the peer's")
  func data() {
    #expect(!CloseHandshake.open.hasSentClose)
    #expect(!CloseHandshake.received(nil).hasSentClose)
    #expect(CloseHandshake.sent(nil).hasSentClose)
    #expect(CloseHandshake.completed(sent: nil, received: nil).hasSentClose)
    #expect(CloseHandshake.failed(sent: nil).hasSentClose)
  }

  @Test("a connection that ends without a close frame has the code 1006 (§7.1.5)")
  func abnormal() {
    #expect(CloseHandshake.open.connectionCloseCode == .abnormalClosure)
    #expect(CloseHandshake.failed(sent: .protocolError).connectionCloseCode == .abnormalClosure)
  }
}
