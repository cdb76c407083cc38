import CURing
import Glibc

@testable import Reactor
@testable import ReactorSimulation

/// A listener whose backlog is full: who connects waits.
final class FullListener {
  private let socket: Socket
  private var fillers: [Socket] = []
  let address: SocketAddress

  init() throws {
    let listener = try Listener.open(.loopback(port: 0))
    socket = Socket(listener.descriptor)
    address = listener.address
    // Once more, with the least that the kernel does.
    _ = socket.listen(backlogCount: 0)
    let kernel = try KernelSocketAddress(address)
    for _ in 0..<4 {
      let filler = try Socket.open(family: AF_INET)
      _ = filler.connect(to: address, kernel)
      fillers.append(filler)
    }
    TestSocket.pause(milliseconds: 20)
  }

  /// Whether a descriptor is a socket that waits to be let in, and none of these here.
  func isConnecting(_ descriptor: Int32) -> Bool {
    guard !fillers.contains(where: { $0.descriptor == descriptor }) else { return false }
    if Simulation.current != nil { return Socket(descriptor).simulated?.isConnecting ?? false }
    var information = [UInt8](repeating: 0, count: 8)
    var byteCount = socklen_t(8)
    let synSent: UInt8 = 2
    return getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &information, &byteCount) == 0
      && information[0] == synSent
  }

  func close() {
    for filler in fillers { filler.close() }
    socket.close()
  }
}
