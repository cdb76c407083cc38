import Testing
import WebSocket

@Suite("A broadcast")
struct BroadcastTests {
  @Test("reaches all open connections, once", arguments: backends)
  func all(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peers = try (0..<10).map { _ in try running.open() }
      let handshaking = try running.connect()
      #expect(eventually { running.journal.connections.count == 10 })
      let large = PreparedMessage([UInt8](repeating: 9, count: 100_000))
      running.server.broadcast("to all")
      running.server.broadcast(large)
      running.server.broadcast([1, 2, 3])
      for peer in peers {
        #expect(try peer.readFrame() == .text("to all"))
        #expect(try peer.readFrame().payload.count == 100_000)
        #expect(try peer.readFrame() == .binary([1, 2, 3]))
      }
      handshaking.close()
    }
  }

  @Test("of a prepared message to chosen connections keeps its order", arguments: backends)
  func prepared(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let (peer, connection) = try running.openWithHandle()
      let short = PreparedMessage("short")
      let long = PreparedMessage(String(repeating: "l", count: 5000))
      for number in 0..<100 {
        #expect(connection.send("\(number)") != .closed)
        #expect(connection.send(short) != .closed)
        #expect(connection.send(long) != .closed)
      }
      for number in 0..<100 {
        #expect(try peer.readFrame() == .text("\(number)"))
        #expect(try peer.readFrame() == .text("short"))
        #expect(try peer.readFrame().payload.count == 5000)
      }
    }
  }
}
