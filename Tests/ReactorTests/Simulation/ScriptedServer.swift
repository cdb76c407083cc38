import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

/// A line server on one reactor, in a simulation where nothing goes wrong but what its script says.
final class ScriptedServer {
  let simulation: Simulation
  let server: LineServer

  private init(_ simulation: Simulation) throws {
    self.simulation = simulation
    server = try LineServer(.epoll) { $0.reactorCount = 1 }
  }

  static func run(_ body: (ScriptedServer) throws -> Void) throws {
    let simulation = Simulation(seed: 1)
    try simulation.run {
      let scripted = try ScriptedServer(simulation)
      try body(scripted)
      scripted.stop()
    }
    #expect(simulation.violations == [])
    #expect(simulation.openDescriptorCount == 0)
    simulation.end()
  }

  /// Has the reactor work until the condition holds. False: it does not within a minute.
  @discardableResult
  func step(until holds: () -> Bool) -> Bool {
    let limit = simulation.nowNanoseconds + 60_000_000_000
    while !holds() {
      guard simulation.step(untilNanoseconds: limit) else { return holds() }
    }
    return true
  }

  func connect() throws -> ScriptedClient {
    ScriptedClient(try TestSocket.connect(server.group.addresses[0]), of: self)
  }

  /// What the server has been told of connections that have gone.
  var errors: [Int32?] { server.journal.closings.withLock { $0.map(\.errorCode) } }

  private func stop() {
    server.group.stop()
    #expect(step { !simulation.isRunning })
    server.stop()
  }
}

/// A client of a scripted server.
final class ScriptedClient {
  let socket: Socket
  private unowned let scripted: ScriptedServer
  private(set) var bytes: [UInt8] = []
  /// 0 for FIN, or an errno.
  private(set) var end: Int32?

  init(_ socket: Socket, of scripted: ScriptedServer) {
    self.socket = socket
    self.scripted = scripted
  }

  func tell(_ line: String) {
    socket.write("\(line)\n")
  }

  /// Reads until so many bytes have come, or the end. Returns what has come since the last time.
  func read(_ count: Int) -> [UInt8] {
    scripted.step {
      readOnce()
      return bytes.count >= count || end != nil
    }
    defer { bytes.removeAll() }
    return bytes
  }

  /// What the server answers.
  func ask(_ line: String) -> String? {
    tell(line)
    scripted.step {
      readOnce()
      return bytes.last == UInt8(ascii: "\n") || end != nil
    }
    defer { bytes.removeAll() }
    return bytes.isEmpty ? nil : String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  private func readOnce() {
    guard end == nil, let simulated = socket.simulated else { return }
    var room = [UInt8](repeating: 0, count: 65_536)
    let count = room.withUnsafeMutableBytes { simulated.read(into: $0) }
    if count > 0 { bytes += room[..<count] }
    if count <= 0, count != -Int(EAGAIN) { end = Int32(-count) }
  }

  func close() {
    socket.close()
  }
}
