/// A socket address in three words, as a connection's cell keeps it: any thread can read them, and
/// nothing is allocated for a connection. A Unix socket's name is not kept: it becomes an unnamed
/// one.
struct PackedSocketAddress: Equatable {
  var high: UInt64
  var low: UInt64
  /// From the top: scope (32 bits), family (16 bits), port (16 bits).
  var tail: UInt64

  /// No address.
  static let none = PackedSocketAddress(high: 0, low: 0, tail: 0)

  private enum Family: UInt64 {
    case none, ipv4, ipv6, unix
  }

  /// The address, or nil for `none`.
  var address: SocketAddress? {
    let port = UInt16(truncatingIfNeeded: tail)
    switch Family(rawValue: tail >> 16 & 0xFFFF) {
    case .ipv4: return .ipv4(UInt32(truncatingIfNeeded: low), port: port)
    case .ipv6:
      let number = UInt128(high) << 64 | UInt128(low)
      return .ipv6(number, port: port, scope: UInt32(truncatingIfNeeded: tail >> 32))
    case .unix: return .unixUnnamed
    case nil, .some(.none): return nil
    }
  }

  private init(high: UInt64, low: UInt64, family: Family, port: UInt16, scope: UInt32) {
    self.high = high
    self.low = low
    tail = UInt64(scope) << 32 | family.rawValue << 16 | UInt64(port)
  }

  init(high: UInt64, low: UInt64, tail: UInt64) {
    self.high = high
    self.low = low
    self.tail = tail
  }

  init(_ address: SocketAddress) {
    switch address {
    case .ipv4(let number, let port):
      self.init(high: 0, low: UInt64(number), family: .ipv4, port: port, scope: 0)
    case .ipv6(let number, let port, let scope):
      self.init(
        high: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number),
        family: .ipv6, port: port, scope: scope)
    case .unixPath, .unixAbstract, .unixUnnamed:
      self.init(high: 0, low: 0, family: .unix, port: 0, scope: 0)
    }
  }
}

extension SocketAddress {
  /// The address in three words.
  var packed: PackedSocketAddress { PackedSocketAddress(self) }
}
