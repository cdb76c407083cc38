internal import CURing

/// What the kernel reports of an operation.
struct Completion {
  let token: Token
  /// A count or a descriptor; negative: -errno.
  let result: Int32
  private let flags: UInt32

  init(_ taken: martlet_completion) {
    token = Token(rawValue: taken.token)
    result = taken.result
    flags = taken.flags
  }

  /// The operation goes on and will complete again.
  var hasMore: Bool { flags & IORING_CQE_F_MORE != 0 }

  /// More bytes are waiting in the socket.
  var isMoreReadable: Bool { flags & IORING_CQE_F_SOCK_NONEMPTY != 0 }

  /// The provided buffer that was taken for it, to be given back.
  var buffer: UInt16? {
    flags & IORING_CQE_F_BUFFER != 0 ? UInt16(truncatingIfNeeded: flags >> 16) : nil
  }
}
