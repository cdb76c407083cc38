import CURing
import Glibc
import Testing

@testable import Reactor

@Suite("Connections that are begun here", .serialized)
struct ConnectingTests {
  @Test("are told, send and receive, and know both addresses", arguments: TestBackend.kinds)
  func connect(kind: BackendKind) throws {
    let server = try LineServer(kind, on: [.loopback(port: 0), .ipv6(1, port: 0)])
    let dialing = try Dialing(kind)
    for address in server.group.addresses {
      let id = try dialing.connect(to: address).get()
      #expect(dialing.wait(id) { $0 == [.connected, .received("hello\n")] }.count == 2)
      #expect(id.isOutgoing && id.peerAddress == address)
      let local = try #require(id.localAddress)
      #expect(local.host == address.host && local.port != 0)
      // The other end sees it the other way round.
      #expect(id.post(chunk("id\n")))
      #expect(dialing.wait(id) { $0.count == 3 }.count == 3)
      let far = try #require(server.journal.ids.withLock { $0.values.first { $0.isOpen } })
      #expect(far.peerAddress == local && far.localAddress == address && !far.isOutgoing)
      #expect(id.post(chunk("finish\n")))
      #expect(dialing.end(of: id).suffix(2) == [.ended, .closed(nil)])
      #expect(id.peerAddress == nil && id.localAddress == nil && !id.isOpen)
      #expect(server.wait { !far.isOpen })
    }
    #expect(dialing.total.connectedCount == 2 && dialing.total.acceptedCount == 0)
    dialing.stop()
    server.stop()
  }

  @Test(
    "come from the address that is asked for, and fail for one that is not ours",
    arguments: TestBackend.kinds)
  func localAddress(kind: BackendKind) throws {
    let server = try LineServer(kind, on: [.loopback(port: 0), .ipv6(1, port: 0)])
    let dialing = try Dialing(kind)
    let target = server.group.addresses[0]
    var options = ConnectingOptions()
    options.receiveBufferByteCount = 50_000
    options.sendBufferByteCount = 40_000
    options.localAddress = .ipv4(0x7F00_0002, port: 0)
    let first = try dialing.connect(to: target, options: options).get()
    _ = dialing.wait(first) { $0.count == 2 }
    #expect(first.localAddress?.host == "127.0.0.2" && first.localAddress?.port != 0)
    options.localAddress = .ipv6(1, port: 0)
    let second = try dialing.connect(to: server.group.addresses[1], options: options).get()
    _ = dialing.wait(second) { $0.count == 2 }
    #expect(second.localAddress?.host == "::1" && second.localAddress?.port != 0)
    // With a port, it is that one, and only once.
    let port = try #require(first.localAddress?.port)
    options.localAddress = .ipv4(0x7F00_0003, port: port)
    let third = try dialing.connect(to: target, options: options).get()
    #expect(third.localAddress == options.localAddress)
    #expect(code(dialing.connect(to: target, options: options)) == EADDRINUSE)
    options.localAddress = .ipv4(0x0808_0808, port: 0)
    #expect(code(dialing.connect(to: target, options: options)) == EADDRNOTAVAIL)
    options.localAddress = .ipv6(1, port: 0)
    #expect(code(dialing.connect(to: target, options: options)) != nil)
    #expect(dialing.total.connectionCount <= 3)
    dialing.stop()
    server.stop()
  }

  @Test("that are refused end with the code, and leave nothing", arguments: TestBackend.kinds)
  func refused(kind: BackendKind) throws {
    let dialing = try Dialing(kind) { $0.connectionCountMax = 10 }
    for _ in 0..<30 {
      let id = try dialing.connect(to: .loopback(port: 1)).get()
      #expect(dialing.end(of: id) == [.closed(ECONNREFUSED)])
    }
    #expect(code(dialing.connect(to: .unixPath("/nowhere/at/all"))) == ENOENT)
    #expect(dialing.total.connectedCount == 0)
    dialing.stop()
  }

  @Test("to themselves are refused, as nobody listens there", arguments: TestBackend.kinds)
  func itself(kind: BackendKind) throws {
    let dialing = try Dialing(kind)
    for any in [SocketAddress.loopback(port: 0), .ipv6(1, port: 0)] {
      let listener = try Listener.open(any)
      let own = listener.address
      let port = try #require(own.port)
      listener.close()
      var options = ConnectingOptions()
      options.localAddress = own
      let unspecified: SocketAddress =
        if case .ipv4 = own { .ipv4(0, port: port) } else { .ipv6(0, port: port) }
      // More than once: nothing is left in TIME_WAIT, which would keep a server from the port.
      for peer in [own, own, unspecified, own] {
        #expect(code(dialing.connect(to: peer, options: options)) == ECONNREFUSED)
      }
    }
    #expect(dialing.total.connectionCount == 0 && dialing.total.connectedCount == 0)
    dialing.stop()
  }

  @Test("expire while they connect, and then not again", arguments: TestBackend.kinds)
  func deadline(kind: BackendKind) throws {
    let full = try FullListener()
    let dialing = try Dialing(kind)
    let start = ContinuousClock.now
    let ids = try (0..<20).map { number in
      try dialing.connect(to: full.address, deadlineMilliseconds: 100 + number).get()
    }
    for id in ids { #expect(dialing.end(of: id) == [.expired, .closed(nil)]) }
    #expect(ContinuousClock.now - start >= .milliseconds(100))
    dialing.stop()
    full.close()
  }

  @Test(
    "end when the reactor stops, those that connect with ECANCELED", arguments: TestBackend.kinds)
  func stop(kind: BackendKind) throws {
    let full = try FullListener()
    let dialing = try Dialing(kind) { $0.stopMilliseconds = 60_000 }
    let ids = try (0..<20).map { _ in try dialing.connect(to: full.address).get() }
    let late = Answer<Int32?>()
    dialing.group.stop()
    dialing.group.execute { reactor in
      do throws(SystemError) { _ = try reactor?.connect(to: .loopback(port: 1)) } catch {
        return late.give(error.code)
      }
      late.give(nil)
    }
    dialing.group.wait()
    for id in ids { #expect(dialing.events(of: id) == [.closed(ECANCELED)]) }
    #expect([nil, ECANCELED].contains(late.wait()))
    dialing.stop()
    full.close()
  }

  @Test(
    "are no more than the reactor may have, and those that go make room",
    arguments: TestBackend.kinds)
  func limit(kind: BackendKind) throws {
    let server = try LineServer(kind)
    let dialing = try Dialing(kind) { $0.connectionCountMax = 3 }
    let descriptorCount = Descriptors.count
    for _ in 0..<4 {
      let ids = try (0..<3).map { _ in try dialing.connect(to: server.group.addresses[0]).get() }
      for _ in 0..<50 {
        #expect(code(dialing.connect(to: server.group.addresses[0])) == ENOBUFS)
      }
      var pair: [Int32] = [-1, -1]
      #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
      #expect(code(dialing.adopt(pair[0])) == ENOBUFS)
      // It has stayed ours.
      for descriptor in pair { #expect(close(descriptor) == 0) }
      for id in ids { _ = dialing.wait(id) { $0.contains(.connected) } }
      dialing.run { reactor in reactor.forEachRecord { reactor.abort($0) } }
      for id in ids { _ = dialing.end(of: id) }
    }
    #expect(server.wait { server.total.acceptedCount >= 12 && server.total.connectionCount == 0 })
    // The server has not been bothered with those that were too many.
    #expect(server.total.acceptedCount == 12)
    // Others open and close some meanwhile, but no 200.
    #expect(Descriptors.count < descriptorCount + 100)
    dialing.stop()
    server.stop()
  }

  @Test("may be given as sockets, if they are connected streams", arguments: TestBackend.kinds)
  func adopt(kind: BackendKind) throws {
    let dialing = try Dialing(kind)
    for transport in Transport.allCases {
      let (near, far) = try transport.makePair()
      // Those of others block.
      _ = fcntl(near.descriptor, F_SETFL, 0)
      far.write("there already")
      let id = try dialing.adopt(near.descriptor).get()
      let events = dialing.wait(id) { $0.count == 2 }
      #expect(events == [.connected, .received("there already")])
      #expect(fcntl(near.descriptor, F_GETFL) & O_NONBLOCK != 0)
      #expect(fcntl(near.descriptor, F_GETFD) & FD_CLOEXEC != 0)
      far.close()
      // With bytes unread at the far end it may be a reset.
      #expect(dialing.end(of: id).count >= 3)
    }
    let datagram = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    let stream = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let file = open("/dev/null", O_RDONLY)
    #expect(code(dialing.adopt(datagram)) == EPROTOTYPE)
    #expect(code(dialing.adopt(stream)) == ENOTCONN)
    #expect(code(dialing.adopt(file)) == ENOTSOCK)
    for descriptor in [datagram, stream, file] { #expect(close(descriptor) == 0) }
    #expect(code(dialing.adopt(-1)) == EBADF && code(dialing.adopt(1_000_000)) == EBADF)
    dialing.stop()
  }

  @Test("whose sockets others hold as well end for them, too", arguments: TestBackend.kinds)
  func adoptHeld(kind: BackendKind) throws {
    let dialing = try Dialing(kind)
    for (transport, isReset) in [(Transport.tcp, false), (.tcp, true), (.unix, false)] {
      let (near, far) = try transport.makePair()
      let held = dup(near.descriptor)
      let id = try dialing.adopt(near.descriptor).get()
      _ = dialing.wait(id) { $0.contains(.connected) }
      dialing.run { reactor in
        if let connection = reactor.connection(id) { reactor.abort(connection, reset: isReset) }
      }
      #expect(dialing.end(of: id) == [.connected, .closed(nil)])
      var end: Int32?
      let start = ContinuousClock.now
      while end == nil, ContinuousClock.now - start < .seconds(2) {
        end = far.readEnd()
        Pause.milliseconds(1)
      }
      #expect(end == (isReset ? ECONNRESET : 0), "\(transport)")
      close(held)
      far.close()
    }
    dialing.stop()
  }

  @Test("work with direct descriptors", .enabled(if: TestBackend.isIOURingPermitted))
  func direct() throws {
    let server = try LineServer(.ioURing)
    let dialing = try Dialing(.ioURing) { $0.usesDirectDescriptors = true }
    for _ in 0..<50 {
      let id = try dialing.connect(to: server.group.addresses[0]).get()
      #expect(
        dialing.wait(id) { $0.count == 2 } == [.connected, .received("hello\n")])
      #expect(id.post(chunk("finish\n")))
      #expect(dialing.end(of: id).suffix(2) == [.ended, .closed(nil)])
    }
    dialing.stop()
    server.stop()
  }

  private func chunk(_ text: String) -> PostedChunk {
    PostedChunk(byteCount: text.utf8.count, kind: 0) { $0.copyBytes(from: Array(text.utf8)) }
  }

  private func code(_ result: Result<ConnectionID, SystemError>) -> Int32? {
    if case .failure(let error) = result { error.code } else { nil }
  }
}
