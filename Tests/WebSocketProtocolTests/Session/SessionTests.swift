import Testing
import WebSocketProtocol

@Suite("sessions")
struct SessionTests {
  private static let limits = Session.Limits(messageByteCountMax: 1000)

  /// What a session makes of one read.
  private struct Reading {
    let events: [Session.Event]
    let error: ProtocolError?
    /// Where it stopped, and the buffer as it was left.
    let offset: Int
    let buffer: [UInt8]
  }

  private func play(
    _ bytes: [UInt8], to session: inout Session, from start: Int = 0,
    limits: Session.Limits = limits
  ) -> Reading {
    var buffer = bytes
    var offset = start
    var events: [Session.Event] = []
    var failure: ProtocolError?
    do {
      var span = buffer.mutableSpan
      var output = span.mutableBytes
      while let event = try session.next(in: &output, offset: &offset, limits: limits) {
        events.append(event)
      }
    } catch {
      failure = error
    }
    return Reading(events: events, error: failure, offset: offset, buffer: buffer)
  }

  @Test("a session takes at most 48 bytes, with those that pad it in a slab")
  func size() {
    #expect(MemoryLayout<Session>.stride <= 48)
  }

  @Test("a whole message lies unmasked in the buffer, behind its header")
  func inPlace() {
    var session = Session(role: .server)
    let frame = WireFrame.text("Hello").bytes(to: .server)
    let reading = play([0xEE] + frame, to: &session, from: 1)
    #expect(reading.events == [.message(.text, 7..<12)])
    #expect(reading.offset == 12)
    #expect(String(decoding: reading.buffer[7..<12], as: UTF8.self) == "Hello")
  }

  @Test("a payload is passed on as it arrives, and nothing of it is kept")
  func streaming() {
    var session = Session(role: .server)
    let frame = WireFrame.binary(Array(0..<100)).bytes(to: .server)
    let header = play(Array(frame[..<6]), to: &session)
    #expect(header.events.isEmpty)
    #expect(header.offset == 6)
    let first = play(Array(frame[6..<17]), to: &session)
    #expect(first.events == [.fragment(.binary, 0..<11, isFirst: true, isLast: false)])
    #expect(first.buffer == Array(0..<11))
    let second = play(Array(frame[17..<50]), to: &session)
    #expect(second.events == [.fragment(.binary, 0..<33, isFirst: false, isLast: false)])
    #expect(second.buffer == Array(11..<44))
    let last = play(Array(frame[50...]), to: &session)
    #expect(last.events == [.fragment(.binary, 0..<56, isFirst: false, isLast: true)])
    #expect(last.buffer == Array(44..<100))
  }

  @Test("a payload that comes whole after its header is a whole message")
  func headerAlone() {
    var session = Session(role: .client)
    let header = play([0x82, 3], to: &session)
    let payload = play([1, 2, 3], to: &session)
    #expect(header.events.isEmpty)
    #expect(payload.events == [.message(.binary, 0..<3)])
  }

  @Test("an unfinished control frame is left as it is, however long it takes")
  func controlFrame() {
    var session = Session(role: .server)
    let frame = WireFrame(0x89, Array(0..<125)).bytes(to: .server)
    for count in 0..<frame.count {
      let head = Array(frame[..<count])
      let reading = play(head, to: &session)
      #expect(reading.events.isEmpty)
      #expect(reading.offset == 0)
      #expect(reading.buffer == head)
      #expect(count <= Session.unconsumedByteCountMax)
    }
    #expect(frame.count == Session.unconsumedByteCountMax + 1)
    let whole = play(frame, to: &session)
    #expect(whole.events == [.ping(6..<131)])
  }

  @Test("bad text is refused although most of its frame has not come (§8.1)")
  func failFast() {
    var session = Session(role: .client)
    let beginning = play([0x81, 126, 0x03, 0xE8, 0x61], to: &session)
    let flaw = play([0x61, 0xC0], to: &session)
    #expect(beginning.events == [.fragment(.text, 4..<5, isFirst: true, isLast: false)])
    #expect(flaw.error == .invalidText)
  }

  @Test("a declared length is refused before any byte of the payload has come (§10.4)")
  func declaredLength() {
    for (length, error) in [(1001, ProtocolError.frameTooBig), (UInt64.max >> 1, .frameTooBig)] {
      var session = Session(role: .client)
      let header = WireFrame.binary([]).with { $0.declaredLength = length }.bytes(to: .client)
      let reading = play(header, to: &session)
      #expect(reading.error == error)
    }
    var session = Session(role: .client)
    _ = play(WireFrame.binary([1], isFinal: false).bytes(to: .client), to: &session)
    let rest = WireFrame.continuation([]).with { $0.declaredLength = 1000 }.bytes(to: .client)
    let reading = play(rest, to: &session)
    #expect(reading.error == .messageTooBig)
  }

  @Test("limits may change between two frames, also below what has come")
  func changingLimits() {
    var session = Session(role: .client)
    _ = play(WireFrame.binary([1, 2], isFinal: false).bytes(to: .client), to: &session)
    let rest = WireFrame.continuation([]).bytes(to: .client)
    let narrow = Session.Limits(messageByteCountMax: 1)
    let reading = play(rest, to: &session, limits: narrow)
    #expect(reading.error == .messageTooBig)
  }

  @Test("a session that was failed hears nothing any more (§7.1.7)")
  func failed() {
    var session = Session(role: .server)
    _ = play(WireFrame.text("a", isFinal: false).bytes(to: .server), to: &session)
    let action = session.fail(with: .internalError)
    #expect(action == .sendCloseThenEnd(.internalError))
    let reading = play(WireFrame.ping().bytes(to: .server), to: &session)
    #expect(reading.events.isEmpty)
    #expect(reading.offset == 6)
  }

  @Test("the peer may still finish what it says after our close frame (§5.5.1)")
  func closing() {
    var session = Session(role: .server)
    let canSendBefore = session.canSendData
    let action = session.close(with: .goingAway)
    let canSendAfter = session.canSendData
    #expect(canSendBefore && !canSendAfter)
    #expect(action == .sendClose(.goingAway))
    let frames = [WireFrame.text("a"), .close(1001), .text("b")].flatMap { $0.bytes(to: .server) }
    let events = play(frames, to: &session).events
    #expect(events == [.message(.text, 6..<7), .close(.goingAway, reason: 15..<15)])
    let answer = session.answerClose()
    #expect(answer == .end)
    let handshake = session.closeHandshake
    #expect(handshake == .completed(sent: .goingAway, received: .goingAway))
  }

  @Test(
    "the peer's close frame is answered, and data may go first", arguments: [Role.server, .client])
  func closed(role: Role) {
    var session = Session(role: role)
    _ = play(WireFrame.close(4000).bytes(to: role), to: &session)
    let canSendBefore = session.canSendData
    let code = CloseCode(rawValue: 4000)
    let action = session.answerClose()
    let canSendAfter = session.canSendData
    #expect(action == (role == .server ? .sendCloseThenEnd(code) : .sendClose(code)))
    #expect(canSendBefore && !canSendAfter)
  }

  @Test("an error leaves the answer open, so that its code can be sent")
  func failing() {
    var session = Session(role: .server)
    let reading = play([0x81, 0], to: &session)
    #expect(reading.error == .frameNotMasked)
    let action = session.fail(with: .protocolError)
    #expect(action == .sendCloseThenEnd(.protocolError))
  }
}
