internal import CURing
internal import Glibc

/// Opens the listening sockets of a group: all of them, or none.
struct ListenerOpening {
  let options: ListenerOptions
  let distribution: ReactorConfiguration.Distribution
  let reactorCount: Int

  /// Times that a port is asked for which is free at all addresses of a name.
  private static let portAttemptCount = 16

  func open(_ addresses: [SocketAddress]) throws(SystemError) -> [ListenerSet.Entry] {
    guard options.isOneHost else {
      return try openAll(addresses) { _ in false }
    }
    // A port that the kernel has chosen at one address may be taken at the next.
    let choosesPort = addresses.count > 1 && addresses.contains { $0.port == 0 }
    for _ in 1..<(choosesPort ? Self.portAttemptCount : 1) {
      do throws(SystemError) {
        return try openHost(addresses)
      } catch {
        guard error.code == EADDRINUSE else { throw error }
      }
    }
    return try openHost(addresses)
  }

  /// Passes over the addresses that this machine does not have, if it has one of them.
  private func openHost(_ addresses: [SocketAddress]) throws(SystemError) -> [ListenerSet.Entry] {
    var failure: SystemError?
    let entries = try openAll(addresses) { error in
      failure = failure ?? error
      return error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT
    }
    if entries.isEmpty, let failure { throw failure }
    return entries
  }

  /// `passesOver` says whether to go on without an address that cannot be listened at.
  private func openAll(
    _ addresses: [SocketAddress], passesOver: (SystemError) -> Bool
  ) throws(SystemError) -> [ListenerSet.Entry] {
    var entries: [ListenerSet.Entry] = []
    do throws(SystemError) {
      for address in addresses {
        let port = options.isOneHost ? entries.first?.sockets[0].address.port : nil
        do throws(SystemError) {
          entries.append(
            try openEntry(address.with(port: port), isIPv6Only: isIPv6Only(address, addresses)))
        } catch {
          guard passesOver(error) else { throw error }
        }
      }
    } catch {
      for entry in entries { entry.close() }
      throw error
    }
    return entries
  }

  private func openEntry(
    _ address: SocketAddress, isIPv6Only: Bool
  ) throws(SystemError) -> ListenerSet.Entry {
    let isHandedOver = address.isUnix || distribution == .fewestConnections
    let count = isHandedOver ? 1 : reactorCount
    var options = options
    if isIPv6Only { options.isDualStack = false }
    let first = try Listener.open(address, options: options)
    var sockets = [first]
    do throws(SystemError) {
      if count > 1, !options.isPortShared { try first.sharePort() }
      options.isPortShared = true
      // With port 0 the first one's port is the others' too.
      while sockets.count < count {
        sockets.append(try Listener.open(first.address, options: options))
      }
    } catch {
      for socket in sockets { socket.close() }
      throw error
    }
    return ListenerSet.Entry(sockets: sockets)
  }

  /// Whether an address is `::`, and 0.0.0.0 with the same port is among the others: it would be in
  /// its own way.
  private func isIPv6Only(_ address: SocketAddress, _ all: [SocketAddress]) -> Bool {
    guard case .ipv6(0, let port, _) = address, port != 0 || options.isOneHost else { return false }
    return all.contains(.ipv4(0, port: port))
  }
}

extension SocketAddress {
  /// The same with another port, if it has port 0.
  fileprivate func with(port other: UInt16?) -> SocketAddress {
    guard let other, port == 0 else { return self }
    return switch self {
    case .ipv4(let number, _): .ipv4(number, port: other)
    case .ipv6(let number, _, let scope): .ipv6(number, port: other, scope: scope)
    case .unixPath, .unixAbstract, .unixUnnamed: self
    }
  }
}
