internal import CURing
internal import Glibc

/// The byte ranges of one send.
@safe struct SendBatch {
  /// Valid during the call it is passed to; at least one, none of them empty.
  let vectors: UnsafeMutableBufferPointer<iovec>
  let byteCount: Int
  /// Of a single range that is to be sent from the log's file (`LogFile`): where it lies there.
  var fileOffset: Int?
  /// What is to be sent from the file follows at once, and had better leave together with this.
  var isFollowedByFile = false

  var sendFlags: Int32 {
    Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL) | (isFollowedByFile ? Int32(MSG_MORE) : 0)
  }

  /// So many ranges at most: the kernel copies them for each send, and a pass should stay short.
  static let vectorCountMax = 16
  /// So many bytes at most (the last range may exceed it): a send in flight cannot be dropped by a
  /// policy.
  static let byteCountMax = 256 * 1024
  /// From so many bytes on it costs less to give a socket pages than copies.
  static let fileByteCountMin = 16 * 1024
}
