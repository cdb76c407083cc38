import Glibc
import Testing
import WebSocket

@Suite("A peer that goes away")
struct EndingAttackTests {
  @Test("with RST leaves nothing behind, whatever it was in the middle of", arguments: backends)
  func reset(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      for stage in Stage.all {
        for delay in [0, 0, 2000, 20_000] as [UInt32] {
          let peer = try running.connect()
          try stage.reach(peer)
          usleep(delay)
          peer.reset()
        }
      }
    }
  }

  @Test("with FIN is answered with FIN, whatever it was in the middle of", arguments: backends)
  func finish(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      for stage in Stage.all {
        for delay in [0, 2000] as [UInt32] {
          let peer = try running.connect()
          try stage.reach(peer)
          usleep(delay)
          peer.finish()
          #expect(throws: Never.self, "\(stage.testDescription)") { try peer.readToEnd() }
        }
      }
    }
  }

  @Test(
    "without a word is gone after the timeouts, whatever it was in the middle of",
    arguments: backends)
  func silence(on kind: BackendKind) throws {
    try besiege(
      on: kind,
      configure: {
        $0.handshakeTimeoutMilliseconds = 300
        $0.idleTimeoutMilliseconds = 300
        $0.pingIntervalMilliseconds = 100
        $0.closeTimeoutMilliseconds = 300
        $0.reactor.lingerMilliseconds = 300
      }
    ) { running in
      let peers = try Stage.all.map { stage in
        let peer = try running.connect(receiveBufferByteCount: 65_536)
        try stage.reach(peer)
        return peer
      }
      // Nobody closes a socket: the server has to.
      #expect(eventually { running.connectionCount == 1 })
      for peer in peers { peer.close() }
    }
  }

  @Test("in a herd leaves nothing behind", arguments: backends)
  func herd(on kind: BackendKind) throws {
    try besiege(on: kind) { running in
      for round in 0..<3 {
        let peers = try (0..<100).map { _ in try running.open() }
        for (position, peer) in peers.enumerated() {
          if (position + round) % 2 == 0 { peer.reset() } else { peer.close() }
        }
      }
    }
  }
}
