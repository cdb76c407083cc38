import Glibc
import Testing
import WebSocket

/// Time in which the server did not look is not its peers' silence.
@Suite("A server that has stood still")
struct StandstillTests {
  /// Longer than all time-outs.
  private static let blockedMicroseconds: UInt32 = 900_000

  /// One reactor, which stands still when it is told to.
  private func configure(_ configuration: inout ServerConfiguration) {
    configuration.reactor.reactorCount = 1
    configuration.pingIntervalMilliseconds = 150
    configuration.idleTimeoutMilliseconds = 500
    configuration.handshakeTimeoutMilliseconds = 400
  }

  private func block(_ on: inout Callbacks<Tracked>, _: Journal) {
    on.received = { connection, message, _ in
      if message.text == "block" { usleep(Self.blockedMicroseconds) }
      connection.send(message)
    }
  }

  @Test("keeps those that were quiet meanwhile: they are pinged first", arguments: backends)
  func quiet(on kind: BackendKind) throws {
    try serve(on: kind, configure: configure, handle: block) { running in
      let quiet = try (0..<20).map { _ in try running.open() }
      let (blocker, _) = try running.openWithHandle()
      try blocker.send(.text("block"))
      #expect(try blocker.readFrame() == .text("block"))
      for peer in quiet {
        #expect(try peer.readFrame() == .ping())
        try peer.send(.pong())
      }
      for peer in quiet { try peer.expectEcho() }
      #expect(running.journal.errors == [])
    }
  }

  @Test("reads what has come meanwhile before it judges", arguments: backends)
  func bytesWaiting(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        configure(&$0)
        $0.pingIntervalMilliseconds = 0
      }, handle: block
    ) { running in
      let peers = try (0..<20).map { _ in try running.open() }
      let blocker = try running.open()
      try blocker.send(.text("block"))
      usleep(100_000)
      for peer in peers { try peer.send(.text("in time")) }
      #expect(try blocker.readFrame() == .text("block"))
      for peer in peers { #expect(try peer.readFrame() == .text("in time")) }
      #expect(running.journal.errors == [])
    }
  }

  @Test("accepts opening handshakes whose requests have come in time", arguments: backends)
  func handshakes(on kind: BackendKind) throws {
    try serve(on: kind, configure: configure, handle: block) { running in
      let early = try (0..<10).map { _ in try running.connect() }
      let blocker = try running.open()
      #expect(eventually { running.connectionCount == 11 })
      try blocker.send(.text("block"))
      usleep(100_000)
      let late = try (0..<10).map { _ in try running.connect() }
      for peer in early + late { try peer.send(Peer.upgradeRequest()) }
      for peer in early + late { try peer.readUpgrade() }
      #expect(try blocker.readFrame() == .text("block"))
    }
  }

  @Test("still ends those that do not answer afterwards", arguments: backends)
  func dead(on kind: BackendKind) throws {
    try serve(on: kind, configure: configure, handle: block) { running in
      let dead = try running.open()
      let blocker = try running.open()
      try blocker.send(.text("block"))
      #expect(try blocker.readFrame() == .text("block"))
      var last = Frame.ping()
      let duration = try seconds { while last == .ping() { last = try dead.readFrame() } }
      #expect(last.closeCode == 1011)
      #expect(duration > 0.2 && duration < 3, "\(duration) s")
    }
  }
}
