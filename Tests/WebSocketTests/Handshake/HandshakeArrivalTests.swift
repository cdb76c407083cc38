import Glibc
import Testing
import WebSocket

@Suite("A handshake on its way")
struct HandshakeArrivalTests {
  @Test("is understood one byte at a time", arguments: backends)
  func byteByByte(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peer = try running.connect()
      let request = Peer.upgradeRequest() + Frame.text("first").bytes()
      try peer.send(request, inPiecesOf: 1)
      try peer.readUpgrade()
      #expect(try peer.readFrame() == .text("first"))
    }
  }

  @Test("may bring frames in its segment, wherever it is cut", arguments: backends)
  func pipelined(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let request = Peer.upgradeRequest()
      let bytes = request + Frame.text("one").bytes() + Frame.binary([2]).bytes()
      for cut in [0, 1, request.count - 1, request.count, request.count + 3, bytes.count - 1] {
        let peer = try running.connect()
        try peer.send(Array(bytes[..<cut]))
        if cut > 0 { usleep(2000) }
        try peer.send(Array(bytes[cut...]))
        try peer.readUpgrade()
        #expect(try peer.readFrame() == .text("one"))
        #expect(try peer.readFrame() == .binary([2]))
      }
    }
  }

  @Test("that is not whole in time gets 408, whatever was asked before", arguments: backends)
  func timeout(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.handshakeTimeoutMilliseconds = 200
        $0.reactor.reactorCount = 1
      }
    ) { running in
      let silent = try running.connect()
      let half = try running.connect()
      try half.send(Array(Peer.upgradeRequest().dropLast()))
      // The answer to HEAD has no body. Nobody else's answer is to go without for that.
      let head = try running.connect().request("HEAD / HTTP/1.1", "Host: localhost")
      #expect(head.body.isEmpty)
      for peer in [silent, half] {
        let reply = try peer.readReply()
        #expect(reply.status == 408)
        #expect(!reply.body.isEmpty)
        #expect(reply.header("Content-Length") == "\(reply.body.utf8.count)")
      }
    }
  }

  @Test(
    "has its time from when it was accepted, however long the server has slept", arguments: backends
  )
  func timeoutAfterSleep(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.handshakeTimeoutMilliseconds = 400 }) { running in
      usleep(700_000)
      let peer = try running.connect()
      usleep(100_000)
      try peer.upgrade()
      try peer.expectEcho()
    }
  }

  @Test("of 64 KiB of headers gets 431", arguments: backends)
  func tooManyHeaders(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let long = "X-Long: " + String(repeating: "x", count: 64 << 10)
      let many = (0..<2000).map { "X-\($0): \(String(repeating: "y", count: 24))" }
      for headers in [[long], many] {
        let peer = try running.connect()
        try peer.send(Peer.upgradeRequest(headers: headers))
        #expect(try peer.readReply().status == 431)
      }
    }
  }

  @Test("is no longer timed once it is done", arguments: backends)
  func timeoutEnds(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.handshakeTimeoutMilliseconds = 100
        $0.idleTimeoutMilliseconds = 0
        $0.pingIntervalMilliseconds = 0
      }
    ) { running in
      let peer = try running.open()
      usleep(400_000)
      try peer.expectEcho()
    }
  }

  @Test("of one may be under way while others are served", arguments: backends)
  func interleaved(on kind: BackendKind) throws {
    try serve(on: kind, configure: { $0.reactor.reactorCount = 1 }) { running in
      let peers = try (0..<20).map { _ in try running.connect() }
      let request = Peer.upgradeRequest()
      for start in stride(from: 0, to: request.count, by: 29) {
        let piece = Array(request[start..<min(start + 29, request.count)])
        for peer in peers { try peer.send(piece) }
      }
      for peer in peers { try peer.readUpgrade() }
      for peer in peers { try peer.expectEcho() }
    }
  }
}
