import Glibc
import Testing
import WebSocket

@Suite("Where a dial connects to", .serialized)
struct DialAddressTests {
  @Test("is where its options say, from where they say", arguments: backends)
  func address(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let dial = try running.dial("ws://example.invalid:8080/x") {
        $0.address = .loopback(port: server.port)
        $0.socket.localAddress = .ipv4(0x7F00_0002, port: 0)
      }
      let peer = try server.accept()
      let request = try peer.answerUpgrade()
      #expect(request.values("Host") == ["example.invalid:8080"])
      let connection = try dial.waitUntilOpen()
      #expect(connection.remoteAddress == .loopback(port: server.port))
      #expect(connection.localAddress?.host == "127.0.0.2" && connection.localAddress?.port != 0)
      peer.close()
      let foreign = try running.dial(server.url) {
        $0.socket.localAddress = .ipv4(0x0808_0808, port: 0)
      }
      let failure = #expect(throws: ConnectFailure.self) { try foreign.waitUntilOpen() }
      guard case .system(let error) = failure else {
        Issue.record("\(failure!)")
        return
      }
      #expect(error.code == EADDRNOTAVAIL)
      let named = try running.dial("ws://localhost:\(server.port)/")
      let other = try server.open()
      _ = try named.waitUntilOpen()
      other.close()
    }
  }

  @Test(
    "may be a socket that is connected already; one that is not is closed", arguments: backends)
  func adopted(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      func dial(over descriptor: Int32) throws -> Dial {
        let journal = running.journal
        return try running.client.connect(
          over: descriptor, to: "ws://inside/",
          options: running.options { $0.reconnect = ReconnectPolicy() }, state: Tracked(journal))
      }
      let (near, peer) = try Self.makePair()
      let opened = try dial(over: near)
      #expect(try peer.answerUpgrade().values("Host") == ["inside"])
      let connection = try opened.waitUntilOpen()
      connection.send("through")
      #expect(try peer.readClientFrame() == .text("through"))
      peer.close()
      #expect(eventually { running.connectionCount == 0 })

      let server = try ScriptedServer()
      let tcp = try Peer(port: server.port)
      let viaTCP = try dial(over: dup(tcp.descriptor))
      tcp.close()
      let other = try server.open()
      _ = try viaTCP.waitUntilOpen()
      other.close()
      #expect(running.failures.isEmpty)

      let datagram = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      let unconnected = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      let codes = try [datagram, unconnected, 1_000_000, -1].map { descriptor in
        let failure = #expect(throws: ConnectFailure.self) {
          try dial(over: descriptor).waitUntilOpen()
        }
        guard case .system(let error) = try #require(failure) else { return Int32(0) }
        return error.code
      }
      #expect(codes == [EPROTOTYPE, ENOTCONN, EBADF, EBADF])
      #expect(running.failures.count == 4)
    }
  }

  @Test("is closed if it was a socket and there was no dial", arguments: backends)
  func closedSockets(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let journal = running.journal
      let (first, atWrongURL) = try Self.makePair()
      #expect(throws: HandshakeFieldError.invalidScheme) {
        try running.client.connect(over: first, to: "http://x/", state: Tracked(journal))
      }
      #expect(try atWrongURL.readsEnd())
      let (second, cancelled) = try Self.makePair()
      let release = running.hold()
      let dial = try running.client.connect(over: second, to: "ws://x/", state: Tracked(journal))
      dial.cancel()
      release()
      #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      #expect(try cancelled.readsEnd())
      running.client.stop()
      running.client.wait()
      let (third, late) = try Self.makePair()
      let stopped = try running.client.connect(over: third, to: "ws://x/", state: Tracked(journal))
      #expect(throws: ConnectFailure.stopped) { try stopped.waitUntilOpen() }
      #expect(try late.readsEnd())
    }
  }

  /// Two ends of a connection within the process: a client's, and a server's that the test plays.
  private static func makePair() throws -> (Int32, Peer) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
      throw PeerError.failed("socketpair", code: errno)
    }
    return (ends[0], Peer(adopting: ends[1]))
  }
}
