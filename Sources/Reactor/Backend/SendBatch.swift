package import CURing
internal import Glibc

/// The byte ranges of one send.
@safe package struct SendBatch {
  /// Valid during the call it is passed to; at least one, none of them empty.
  package let vectors: UnsafeMutableBufferPointer<iovec>
  package let byteCount: Int

  static var sendFlags: Int32 { Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL) }

  /// So many ranges at most: the kernel copies them for each send, and a pass should stay short.
  static let vectorCountMax = 16
  /// So many bytes at most (the last range may exceed it): a send in flight cannot be dropped by a
  /// policy.
  static let byteCountMax = 256 * 1024
}
