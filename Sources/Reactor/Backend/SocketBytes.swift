internal import CURing

/// What the kernel holds of a connection's bytes.
package struct SocketBytes: Equatable {
  /// Bytes that the peer has acknowledged since the connection was made. Nil: the kernel does not
  /// count them for this kind of socket, or cannot be asked.
  package var acknowledgedByteCount: Int64?
  /// Bytes that were handed to the kernel and that the peer has not acknowledged. Of a Unix socket: the
  /// memory that holds them, which is more. Nil: the kernel does not say.
  package var unacknowledgedByteCount: Int64?
  /// Bytes that have arrived and have not been received. Nil: the kernel does not say.
  package var unreadByteCount: Int64?

  package init(
    acknowledgedByteCount: Int64? = nil, unacknowledgedByteCount: Int64? = nil,
    unreadByteCount: Int64? = nil
  ) {
    self.acknowledgedByteCount = acknowledgedByteCount
    self.unacknowledgedByteCount = unacknowledgedByteCount
    self.unreadByteCount = unreadByteCount
  }
}

extension Socket {
  /// System calls that `bytes` makes.
  static let bytesCallCount: UInt64 = 3

  var bytes: SocketBytes {
    if let substitute { return substitute.bytes }
    let bytes = martlet_socket_bytes(descriptor)
    return SocketBytes(
      acknowledgedByteCount: bytes.acknowledged < 0 ? nil : bytes.acknowledged,
      unacknowledgedByteCount: bytes.unacknowledged < 0 ? nil : bytes.unacknowledged,
      unreadByteCount: bytes.unread < 0 ? nil : bytes.unread)
  }
}
