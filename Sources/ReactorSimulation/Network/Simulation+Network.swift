internal import Glibc
internal import Reactor

/// Addresses, and what may happen to connections on their way.
extension Simulation {
  // MARK: Addresses

  func bound(_ address: SocketAddress) -> SocketAddress {
    switch address {
    case .ipv4(let number, 0): .ipv4(number, port: takePort())
    case .ipv6(let number, 0, let scope): .ipv6(number, port: takePort(), scope: scope)
    default: address
    }
  }

  func ephemeral(like address: SocketAddress) -> SocketAddress {
    switch address {
    case .ipv4: .ipv4(0x7F00_0001, port: takePort())
    case .ipv6: .ipv6(1, port: takePort())
    default: .unixUnnamed
    }
  }

  private func takePort() -> UInt16 {
    defer { nextPort = nextPort == 60_999 ? 32_768 : nextPort + 1 }
    return nextPort
  }

  /// Whether another socket stands in the way of one that is to be bound to an address.
  func isTaken(_ address: SocketAddress, by socket: SimulatedSocket) -> Bool {
    sockets.contains { other in
      guard let other, other !== socket, let bound = other.boundAddress else { return false }
      guard !(other.isPortShared && socket.isPortShared) else { return false }
      return bound == address || bound.includes(address) || address.includes(bound)
    }
  }

  /// Who listens at an address; of several, any.
  func listener(at address: SocketAddress) -> SimulatedSocket? {
    let candidates = listeners.filter {
      $0.localAddress == address || $0.localAddress.includes(address)
    }
    guard !candidates.isEmpty else { return nil }
    return candidates[candidates.count == 1 ? 0 : number(.listener, 0...candidates.count - 1)]
  }

  func removeListener(_ listener: SimulatedSocket) {
    listeners.removeAll { $0 === listener }
  }

  // MARK: Connections

  func stream(capacity: Int?) -> SimulatedStream {
    let range = faults.windowByteCounts
    let usual = range.count == 1 ? range.lowerBound : number(.window, range)
    return SimulatedStream(self, capacity: min(capacity ?? .max, usual))
  }

  /// For how long the first connection in a backlog has been waiting to be accepted.
  package var backlogNanoseconds: Int64 {
    let first = sockets.compactMap { $0?.backlog.first?.queuedNanoseconds }.min()
    return first.map { nowNanoseconds - $0 } ?? 0
  }

  /// Two connected sockets.
  func pair() throws(SystemError) -> (Socket, Socket) {
    let one = try openSimulatedSocket()
    let other = try openSimulatedSocket()
    one.join(other)
    one.finishConnecting(0)
    return (Socket(one.descriptor), Socket(other.descriptor))
  }

  private func anyConnected(_ number: Int) -> SimulatedSocket? {
    let connected = sockets.compactMap { $0?.output == nil ? nil : $0 }
    return connected.isEmpty ? nil : connected[number % connected.count]
  }

  /// Resets any connection, as a router does that has forgotten it: both ends are told.
  package func resetConnection(_ number: Int) {
    guard let socket = anyConnected(number) else { return }
    socket.output?.reset()
    socket.input?.reset()
  }

  /// Holds back what any connection is being sent, for so long; or for ever, if chance has it.
  package func stallConnection(_ number: Int, nanoseconds: Int64) {
    guard let socket = anyConnected(number) else { return }
    if chance(.vanishing) { return vanish(socket) }
    socket.stall(untilNanoseconds: nowNanoseconds + nanoseconds)
  }

  /// From now on nothing gets through, in neither direction, and nobody is told: until each end has
  /// tried for long enough. A kernel tries for minutes; what is tested does not count on that.
  func vanish(_ socket: SimulatedSocket) {
    for end in [socket, socket.output?.reader] {
      guard let end else { continue }
      end.output?.cut()
      let time = nowNanoseconds + Int64(number(.vanishing, 1...10_000)) * 1_000_000
      events.add(.failure(end, ETIMEDOUT), atNanoseconds: time)
    }
  }
}

extension SocketAddress {
  /// Whether it stands for all addresses of this machine, and so for another one too.
  fileprivate func includes(_ other: SocketAddress) -> Bool {
    guard let port, port == other.port else { return false }
    return switch (self, other) {
    case (.ipv4(0, _), .ipv4), (.ipv6(0, _, _), .ipv6), (.ipv6(0, _, _), .ipv4): true
    default: false
    }
  }
}
