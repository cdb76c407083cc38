/// The listening sockets of a group, and which reactor gets what they accept.
final class ListenerSet: Sendable {
  /// The sockets of one address: one for each reactor, or a single one that the first reactor
  /// accepts on.
  private struct Entry: Sendable {
    let sockets: [Listener]
    var isHandedOver: Bool { sockets.count == 1 }
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
    var entries: [Entry] = []
    do throws(SystemError) {
      for address in addresses {
        let isHandedOver = address.isUnix || distribution == .fewestConnections
        let count = isHandedOver ? 1 : reactorCount
        entries.append(try Self.open(address, options: options, count: count))
      }
    } catch {
      for entry in entries { entry.sockets.forEach { $0.close() } }
      throw error
    }
    self.entries = entries
  }

  private static func open(
    _ address: SocketAddress, options: ListenerOptions, count: Int
  ) throws(SystemError) -> Entry {
    var options = options
    options.isPortShared = options.isPortShared || count > 1
    let first = try Listener.open(address, options: options)
    var sockets = [first]
    do throws(SystemError) {
      // With port 0 the first one's port is the others' too.
      while sockets.count < count {
        sockets.append(try Listener.open(first.address, options: options))
      }
    } catch {
      sockets.forEach { $0.close() }
      throw error
    }
    return Entry(sockets: sockets)
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

  func close() {
    for entry in entries { entry.sockets.forEach { $0.close() } }
  }
}
