/// The listening sockets of a group, and which reactor gets what they accept.
final class ListenerSet: Sendable {
  /// The sockets of one address: one for each reactor, or a single one that the first reactor
  /// accepts on.
  struct Entry: Sendable {
    let sockets: [Listener]
    var isHandedOver: Bool { sockets.count == 1 }

    func close() {
      for socket in sockets { socket.close() }
    }
  }

  private let entries: [Entry]
  private let reactors = ConditionLock<[Reactor]>([])
  private let reactorCount: Int

  init(
    _ addresses: [SocketAddress], options: ListenerOptions,
    distribution: ReactorConfiguration.Distribution,
    reactorCount: Int
  ) throws(SystemError) {
    self.reactorCount = reactorCount
    entries = try ListenerOpening(
      options: options, distribution: distribution, reactorCount: reactorCount
    ).open(addresses)
  }

  /// The bound addresses, with the ports that the kernel chose.
  var addresses: [SocketAddress] { entries.map { $0.sockets[0].address } }

  /// The listeners that a reactor accepts on.
  func listeners(ofReactor position: Int) -> [Int] {
    entries.indices.filter { descriptor(ofListener: $0, reactor: position) != nil }
  }

  func descriptor(ofListener index: Int, reactor position: Int) -> Int32? {
    let sockets = entries[index].sockets
    return position < sockets.count ? sockets[position].descriptor : nil
  }

  /// The local address that all connections of a listener have. Nil: it listens on a wildcard, so
  /// each may have another.
  func fixedAddress(ofListener index: Int) -> SocketAddress? {
    let address = entries[index].sockets[0].address
    return switch address {
    case .ipv4(0, _), .ipv6(0, _, _): nil
    default: address
    }
  }

  func setReactors(_ all: [Reactor]) {
    reactors.withLock { $0 = all }
  }

  /// The reactor with the fewest connections. Nil: the connection stays with the reactor that
  /// accepted it, unless that one `isFull`.
  func target(ofListener index: Int, acceptedBy position: Int, isFull: Bool) -> Reactor? {
    guard reactorCount > 1, isFull || entries[index].isHandedOver else { return nil }
    let target = reactors.withLock { all in
      all.min { $0.assignedCount < $1.assignedCount }
    }
    return target?.position == position ? nil : target
  }

  /// Closes what a reactor accepted on, so that clients are refused, or go to whoever else listens
  /// there.
  func close(listenersOfReactor position: Int) {
    for entry in entries where position < entry.sockets.count { entry.sockets[position].close() }
  }

  /// Has nobody listen any more where a reactor accepts that is stuck. It closes the rest itself.
  /// Another thread's.
  func withdraw(listenersOfReactor position: Int) {
    let reactor = reactors.withLock { $0.first { $0.position == position } }
    guard let reactor else { return }
    let placeholder = reactor.port.pointee.mailbox.eventDescriptor
    for entry in entries where position < entry.sockets.count {
      entry.sockets[position].withdraw(placeholder: placeholder)
    }
  }

  func isWithdrawn(ofReactor position: Int) -> Bool {
    entries.contains { position < $0.sockets.count && $0.sockets[position].isWithdrawn }
  }

  func close() {
    for entry in entries { entry.close() }
  }
}
