import CURing
import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

/// Sockets as the tests' clients use them.
enum TestSocket {
  /// A connected socket that does not block. Loopback connects at once; what is in the backlog counts.
  static func connect(_ address: SocketAddress) throws -> Socket {
    let kernel = try KernelSocketAddress(address)
    let socket = try Socket.open(family: Int32(kernel.storage.ss_family))
    let code = socket.connect(to: address, kernel)
    if code != 0 {
      let error = SystemError("connect to \(address)", code: code)
      if let simulated = socket.simulated, code == EINPROGRESS {
        simulate { !simulated.isConnecting }
        return socket
      }
      guard error.code == EINPROGRESS else {
        socket.close()
        throw error
      }
      var poll = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
      #expect(Glibc.poll(&poll, 1, 5_000) == 1)
    }
    return socket
  }

  /// A path for a Unix socket that no other test uses.
  static func path(_ name: String) -> String {
    "\(P_tmpdir)/martlet-\(getpid())-\(name).socket"
  }

  /// Does nothing for a while. In a simulation the network works on.
  static func pause(milliseconds: Int) {
    guard let simulation = Simulation.current else {
      usleep(UInt32(milliseconds) * 1000)
      return
    }
    simulation.advance(
      toNanoseconds: simulation.nowNanoseconds + Int64(milliseconds) * 1_000_000)
  }

  /// Lets the network of a simulation work until the condition holds.
  private static func simulate(until condition: () -> Bool) {
    guard let simulation = Simulation.current else { return }
    while !condition(), simulation.nextEventNanoseconds < .max {
      simulation.advance(toNanoseconds: simulation.nextEventNanoseconds)
    }
  }

  /// Waits for a connection and takes it.
  static func accept(_ listener: Listener) throws -> Socket {
    if let simulated = Socket(listener.descriptor).simulated {
      simulate { !simulated.backlog.isEmpty }
      return Socket(try #require(simulated.accept().socket).descriptor)
    }
    var poll = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
    #expect(Glibc.poll(&poll, 1, 5_000) == 1)
    let descriptor = martlet_accept(listener.descriptor)
    guard descriptor >= 0 else { throw SystemError.current("accept4") }
    return Socket(descriptor)
  }
}
