import Testing
import WebSocket

/// Takes frames as they are: shows each, and sends it back as it came, unmasked.
private struct FrameMirror: FrameHandler, UpgradeHandler {
  let journal: Journal

  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<Tracked> {
    .accept(Tracked(journal))
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    .upgradeRequired
  }

  func opened(_ connection: Connection, state: inout Tracked) {
    journal.add(.opened, connection)
  }

  func received(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: inout Tracked
  ) {
    var header = frame.header
    header.maskingKey = nil
    if header.opcode == .close, frame.payload.text == "end" {
      connection.close(.goingAway, reason: "as you wish")
    } else {
      connection.sendFrame(header, frame.payload)
    }
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Tracked) {
    if case .failed(let error) = event { journal.add(.failed(error), connection) }
  }

  func closed(_ connection: Connection, _ closure: Closure, state: inout Tracked) {
    journal.add(.closed(closure), connection)
  }
}

@Suite("A handler of frames")
struct RawFrameTests {
  @Test("gets each frame as it is, whatever it is, whole and unmasked", arguments: backends)
  func mirror(on kind: BackendKind) throws {
    try mirror(on: kind) { running in
      let peer = try running.open()
      let frames = [
        Frame.text("plain"), Frame(opcode: 1, payload: [0xFF]), .ping("not answered"), .pong(""),
        Frame(opcode: 3, payload: [1, 2], isFinal: false, reservedBits: 0x70),
        .continuation(Bytes.pattern(200, seed: 1), isFinal: true),
        .binary(Bytes.pattern(100_000, seed: 2)), Frame(opcode: 11), .close(1000, "not answered"),
        .text("after it"),
      ]
      let bytes = frames.flatMap { $0.bytes() }
      for byteCount in [bytes.count, 7_001, 97] {
        try peer.send(bytes, inPiecesOf: byteCount)
        for frame in frames { #expect(try peer.readFrame() == frame) }
      }
      let last = frames.suffix(3).flatMap { $0.bytes() }
      try peer.send(last, inPiecesOf: 1)
      for frame in frames.suffix(3) { #expect(try peer.readFrame() == frame) }
    }
  }

  @Test(
    "need not answer frames that are unmasked or too long: they end with 1002 and 1009",
    arguments: backends)
  func limits(on kind: BackendKind) throws {
    try mirror(on: kind) { running in
      let unmasked = try running.open()
      try unmasked.send(Frame.text("x").bytes(maskingKey: nil))
      try unmasked.expectClose(1002)
      let longPing = try running.open()
      try longPing.send(Frame(opcode: 9, payload: [UInt8](repeating: 0, count: 126)))
      try longPing.expectClose(1002)
      for length in [.max, (1 << 63) - 1, (16 << 20) + 1] as [UInt64] {
        let peer = try running.open()
        try peer.send(Frame.text("x").bytes(declaredLength: length))
        try peer.expectClose(1009)
      }
    }
  }

  @Test("ends the connection by answering the peer's close frame", arguments: backends)
  func answersClose(on kind: BackendKind) throws {
    try mirror(on: kind) { running in
      let peer = try running.open()
      try peer.send(Frame(opcode: 8, payload: Array("end".utf8)))
      let close = try peer.readFrame()
      #expect(close.closeCode == 1001 && close.closeReason == "as you wish")
      #expect(try peer.readsEnd())
      #expect(eventually { running.journal.closures.count == 1 })
      #expect(running.journal.errors.isEmpty)
    }
  }

  @Test("ends the connection from outside, when the peer answers", arguments: backends)
  func closesFirst(on kind: BackendKind) throws {
    try mirror(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      connection.close(.normalClosure)
      #expect(try peer.readFrame().closeCode == 1000)
      try peer.send(.close(1000))
      #expect(try peer.readsEnd())
      #expect(eventually { running.journal.closures.count == 1 })
      #expect(running.journal.errors.isEmpty)
    }
  }

  @Test("survives the longest length there is when nothing limits it", arguments: backends)
  func longestLength(on kind: BackendKind) throws {
    try mirror(on: kind, messageByteCountMax: .max) { running in
      let peer = try running.open()
      try peer.send(Frame.text("x").bytes(declaredLength: (1 << 63) - 1))
      let other = try running.open()
      try other.send(.text("z"))
      #expect(try other.readFrame() == .text("z"))
    }
  }

  @Test("is told the code of a close frame that it has not answered", arguments: backends)
  func unansweredClose(on kind: BackendKind) throws {
    try mirror(on: kind) { running in
      let peer = try running.open()
      try peer.send(.close(1001, "away"))
      peer.finish()
      let closure = try running.journal.closure()
      #expect(closure.code == .goingAway && !closure.isClean)
    }
  }

  @Test(
    "is told any code that a peer sends, which another connection can be closed with",
    arguments: backends)
  func anyCode(on kind: BackendKind) throws {
    try mirror(on: kind) { running in
      let peer = try running.open()
      try peer.send(.close(999, "no such code"))
      peer.finish()
      let closure = try running.journal.closure()
      #expect(closure.code == CloseCode(rawValue: 999))
      let (other, connection) = try running.openWithHandle()
      connection.close(closure.code, reason: "passed on")
      #expect(try other.readFrame() == .close(1011, "passed on"))
      try other.send(.close(1000))
      #expect(try other.readsEnd())
    }
  }

  private func mirror(
    on kind: BackendKind, messageByteCountMax: Int = 16 << 20,
    _ body: (RunningServer) throws -> Void
  ) throws {
    let journal = Journal()
    var configuration = try ServerConfiguration(port: 0)
    configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
    configuration.reactor.reactorCount = 1
    configuration.reactor.lingerMilliseconds = 500
    configuration.closeTimeoutMilliseconds = 1000
    configuration.messageByteCountMax = messageByteCountMax
    let server = try Server(configuration, frameHandler: FrameMirror(journal: journal))
    defer {
      server.stop()
      server.wait()
    }
    let port = try #require(server.addresses.first?.port)
    let running = RunningServer(server, journal, port: port)
    try body(running)
    running.expectNothingLeft()
  }
}
