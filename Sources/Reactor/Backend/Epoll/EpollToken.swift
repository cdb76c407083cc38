/// What the 64 bits that epoll keeps with a descriptor mean: slot and generation of a connection,
/// so that an event of one that has gone is told from those of the next one in its slot or with its
/// descriptor.
package struct EpollToken {
  /// From the top: generation (32 bits), kind (8 bits), slot or listener (24 bits).
  let bits: UInt64

  package enum Kind: UInt64 {
    case connection, listener, wake
  }

  package init(bits: UInt64) {
    self.bits = bits
  }

  package init(_ connection: ConnectionPointer) {
    bits = UInt64(connection.pointee.generation) << 32 | UInt64(connection.pointee.index)
  }

  package init(listener index: Int) {
    bits = Kind.listener.rawValue << 24 | UInt64(index)
  }

  static let wake = EpollToken(bits: Kind.wake.rawValue << 24)

  package var kind: Kind? { Kind(rawValue: bits >> 24 & 0xFF) }
  package var index: UInt32 { UInt32(truncatingIfNeeded: bits & 0xFF_FFFF) }
  package var generation: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }
}
