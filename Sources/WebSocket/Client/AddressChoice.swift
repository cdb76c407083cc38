internal import Reactor

/// Which addresses of a name an attempt tries, and in which order (RFC 8305 §4).
enum AddressChoice {
  /// The owner of a name decides which addresses it has. A client that tried all of them would scan
  /// as many hosts as the owner wants.
  static let countMax = 8

  /// Takes both families in turn, beginning with the one that the resolver has put first, and keeps
  /// the resolver's order within each. An address counts once.
  ///
  /// - Parameters:
  ///   - resolved: what the resolver has answered.
  ///   - local: where the connection is to come from. Addresses of another family are left out.
  /// - Returns: at most `countMax` addresses.
  static func order(_ resolved: [SocketAddress], from local: SocketAddress?) -> [SocketAddress] {
    let usable = resolved.lazy.filter { address in
      local.map { address.hasFamily(of: $0) } ?? true
    }
    guard let first = usable.first else { return [] }
    var preferred: [SocketAddress] = []
    var others: [SocketAddress] = []
    for address in usable {
      if address.hasFamily(of: first) {
        add(address, to: &preferred)
      } else {
        add(address, to: &others)
      }
      if preferred.count == countMax, others.count == countMax { break }
    }
    var chosen: [SocketAddress] = []
    for position in 0..<countMax {
      if position < preferred.count { chosen.append(preferred[position]) }
      if position < others.count { chosen.append(others[position]) }
    }
    return Array(chosen.prefix(countMax))
  }

  private static func add(_ address: SocketAddress, to addresses: inout [SocketAddress]) {
    guard addresses.count < countMax, !addresses.contains(address) else { return }
    addresses.append(address)
  }
}

extension SocketAddress {
  fileprivate func hasFamily(of other: SocketAddress) -> Bool {
    switch (self, other) {
    case (.ipv4, .ipv4), (.ipv6, .ipv6): true
    default: isUnix && other.isUnix
    }
  }
}
