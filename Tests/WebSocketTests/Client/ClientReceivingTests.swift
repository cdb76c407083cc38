import Glibc
import Testing
import WebSocket

@Suite("What a client receives")
struct ClientReceivingTests {
  @Test(
    "of fragments is put together, and pings between them are answered masked", arguments: backends)
  func fragments(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let (connection, peer) = try running.open(server)
      let bytes = Bytes.pattern(100_000, seed: 1)
      let frames = [
        Frame.text("a", isFinal: false), .ping("1"), .continuation(Array("b".utf8), isFinal: false),
        .pong("2"), .continuation(Array("c".utf8), isFinal: true), .binary(bytes, isFinal: false),
        .continuation(bytes, isFinal: true),
      ]
      let expected: [Journal.Event] = [
        .ping("1"), .pong("2"), .text("abc"), .binary(bytes + bytes),
      ]
      for byteCount in [1 << 20, 1009] {
        try peer.send(frames.flatMap { $0.bytes(maskingKey: nil) }, inPiecesOf: byteCount)
        #expect(try peer.readClientFrame() == .pong("1"))
      }
      #expect(
        eventually {
          running.journal.events(of: connection) == [.opened] + expected + expected
        })
      peer.close()
    }
  }

  @Test("masked, or with anything else that is forbidden, ends it with 1002", arguments: backends)
  func forbidden(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let cases: [([UInt8], ProtocolError, UInt16)] = [
        (Frame.text("masked").bytes(), .frameMasked, 1002),
        (Frame.ping("masked").bytes(), .frameMasked, 1002),
        (Frame(opcode: 3).bytes(maskingKey: nil), .reservedOpcode, 1002),
        (Frame(opcode: 1, reservedBits: 0x40).bytes(maskingKey: nil), .reservedBitSet, 1002),
        (Frame.binary([1]).bytes(maskingKey: nil, declaredLength: 1 << 40), .frameTooBig, 1009),
      ]
      for (bytes, error, code) in cases {
        let (connection, peer) = try running.open(server)
        try peer.send(bytes)
        let frame = try peer.readClientFrame()
        #expect(frame.closeCode == code)
        #expect(try peer.readsEnd())
        peer.close()
        #expect(running.journal.errors.last == .protocolError(error))
        let isTold = eventually { running.journal.events(of: connection).count == 3 }
        #expect(isTold && running.journal.closures.last?.code == .abnormalClosure)
      }
    }
  }

  @Test(
    "of pings while much waits to be sent is answered by few pongs, the newest one last",
    arguments: backends)
  func pongs(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.reactor.queue.byteCountMax = 64 << 20 }) { running in
      let server = try ScriptedServer()
      let (connection, peer) = try running.open(server) { $0.socket.sendBufferByteCount = 20_000 }
      let bytes = Bytes.pattern(8 << 20, seed: 1)
      #expect(connection.send(bytes) == .backpressure)
      usleep(20_000)
      for number in 0..<500 { try peer.sendUnmasked(.ping("\(number)")) }
      #expect(eventually { running.journal.events.contains(.ping("499")) })
      #expect(try peer.readClientFrame() == .binary(bytes))
      var pongs = [try peer.readClientFrame()]
      while pongs.last != .pong("499") { pongs.append(try peer.readClientFrame()) }
      #expect(pongs.count <= 3 && pongs.first == .pong("0"))
      peer.close()
    }
  }

  @Test("is there frame by frame for a handler of frames", arguments: backends)
  func rawFrames(on kind: BackendKind) throws {
    var configuration = ClientConfiguration()
    configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
    let journal = Journal()
    let client = try Client(configuration, frameHandler: MaskingMirror(journal: journal))
    defer {
      client.stop()
      client.wait()
    }
    let server = try ScriptedServer()
    let dial = try client.connect(to: server.url)
    let peer = try server.open()
    _ = try dial.waitUntilOpen()
    let frames = [
      Frame.text("plain"), .ping("not answered"), .pong(""),
      Frame(opcode: 3, payload: [1, 2], isFinal: false, reservedBits: 0x70),
      .binary(Bytes.pattern(100_000, seed: 2)),
    ]
    for byteCount in [1 << 20, 97] {
      try peer.send(frames.flatMap { $0.bytes(maskingKey: nil) }, inPiecesOf: byteCount)
      for frame in frames {
        let (mirrored, key) = try peer.readMaskedFrame()
        #expect(mirrored == frame && key == [9, 8, 7, 6])
      }
    }
    try peer.sendUnmasked(.close(4321, "end"))
    #expect(try peer.readClientFrame() == .close(1001, "as you wish"))
    #expect(try journal.closure().code == CloseCode(rawValue: 4321))
    #expect(journal.closures.first?.isClean == true)
    peer.finish()
    #expect(try peer.readsEnd())

    _ = try client.connect(to: server.url)
    let other = try server.open()
    try other.send(Frame.text("masked").bytes())
    #expect(try other.readClientFrame().closeCode == 1002)
    #expect(eventually { journal.errors == [.protocolError(.frameMasked)] })
    other.close()
  }
}

/// A client that takes frames as they are, and sends each back, masked with a key that the test knows.
private struct MaskingMirror: FrameHandler {
  let journal: Journal

  func opened(_ connection: Connection, state: inout Void) {}

  func received(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: inout Void
  ) {
    var header = frame.header
    header.maskingKey = MaskingKey(0x0908_0706)
    if header.opcode == .close {
      connection.close(.goingAway, reason: "as you wish")
    } else {
      connection.sendFrame(header, frame.payload)
    }
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Void) {
    if case .failed(let error) = event { journal.add(.failed(error), connection) }
  }

  func closed(_ connection: Connection, _ closure: Closure, state: inout Void) {
    journal.add(.closed(closure), connection)
  }
}
