import Glibc
import Testing
import WebSocket

@Suite("A message that has begun")
struct BegunMessageTests {
  @Test("is never left without its end: the connection closes instead", arguments: backends)
  func isNotCutShort(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.makeQueuesShort(.dropNewest) }) { running in
      let (peer, connection) = try running.openWithHandle(receiveBufferByteCount: 65_536)
      let piece = [UInt8](repeating: 7, count: 100_000)
      var results: [SendResult] = []
      connection.sendFragment(piece.span.bytes, as: .binary, isFirst: true, isLast: false)
      #expect(
        eventually {
          results.append(
            connection.sendFragment(piece.span.bytes, as: .binary, isFirst: false, isLast: false))
          usleep(200)
          return results.last == .closed
        })
      #expect(!results.contains(.dropped))
      _ = peer
    }
  }
}
