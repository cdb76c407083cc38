import Glibc

@testable import Reactor

/// A server that nobody gets through to: its backlog is full, and it accepts nobody.
final class FullServer {
  private let listener: Socket
  private var fillers: [Socket] = []
  let address: SocketAddress

  /// Listens at a port of the kernel's choice.
  init(at address: SocketAddress = .loopback(port: 0)) throws {
    let kernel = try KernelSocketAddress(address)
    let family = if case .ipv6 = address { AF_INET6 } else { AF_INET }
    listener = try Socket.open(family: family)
    guard listener.bind(to: address, kernel) == 0, listener.listen(backlogCount: 0) == 0 else {
      listener.close()
      throw PeerError.failed("listen", code: errno)
    }
    self.address = try listener.localAddress()
    let own = try KernelSocketAddress(self.address)
    for _ in 0..<4 {
      let filler = try Socket.open(family: family)
      _ = filler.connect(to: self.address, own)
      fillers.append(filler)
    }
    usleep(20_000)
  }

  deinit {
    closeFillers()
    listener.close()
  }

  var url: String { "ws://127.0.0.1:\(port)/" }
  var port: UInt16 { address.port ?? 0 }

  /// From now on there is room in the backlog: whoever tries comes through when the kernel sends
  /// SYN again, a second after the first.
  func makeRoom() {
    closeFillers()
    while let peer = acceptNow() { peer.close() }
  }

  /// Who has come through, within a few seconds.
  func accept() throws -> Peer {
    var peer: Peer?
    _ = eventually {
      peer = acceptNow()
      return peer != nil
    }
    guard let peer else { throw PeerError.timedOut }
    return peer
  }

  private func acceptNow() -> Peer? {
    let client = Glibc.accept(listener.descriptor, nil, nil)
    guard client >= 0 else { return nil }
    _ = fcntl(client, F_SETFD, FD_CLOEXEC)
    return Peer(adopting: client)
  }

  private func closeFillers() {
    for filler in fillers { filler.close() }
    fillers.removeAll()
  }
}
