internal import CURing
internal import Glibc

/// A zeroed entry of the submission queue. One of the functions fills it in.
@safe struct Submission {
  let entry: UnsafeMutablePointer<io_uring_sqe>

  init(_ entry: UnsafeMutablePointer<io_uring_sqe>) {
    unsafe self.entry = entry
  }

  /// A descriptor of the process, or with `isDirect` a slot of the ring's table.
  struct File {
    let descriptor: Int32
    let isDirect: Bool
  }

  /// Accepts one connection.
  func accept(on listener: Int32, token: Token) {
    fill(IORING_OP_ACCEPT, token)
    unsafe entry.pointee.fd = listener
    unsafe entry.pointee.accept_flags = UInt32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
  }

  /// Waits until a file is in one of the states of `events`.
  func poll(_ file: File, events: Int32, isMultishot: Bool = false, token: Token) {
    fill(IORING_OP_POLL_ADD, token, file)
    // The kernel reads the halves swapped on big-endian machines, which Swift on Linux has none of.
    unsafe entry.pointee.poll32_events = UInt32(bitPattern: events)
    if isMultishot { unsafe entry.pointee.len = IORING_POLL_ADD_MULTI }
  }

  /// Receives into provided buffers: once, or with `isMultishot` until a completion has no more.
  /// With `pollsFirst` it does not try before the socket reports bytes.
  func receive(_ file: File, group: UInt16, isMultishot: Bool, pollsFirst: Bool, token: Token) {
    fill(IORING_OP_RECV, token, file)
    unsafe entry.pointee.flags |= MARTLET_SQE_BUFFER_SELECT
    unsafe entry.pointee.buf_group = group
    unsafe entry.pointee.ioprio =
      UInt16(isMultishot ? IORING_RECV_MULTISHOT : 0)
      | UInt16(pollsFirst ? IORING_RECVSEND_POLL_FIRST : 0)
  }

  /// How a send goes about it.
  enum SendManner {
    /// Tried during submission. Posts a completion when it was short or failed only.
    case inline
    /// Waits until all is sent.
    case waiting
    /// Waits until all is sent, and does not try before the socket has room.
    case waitingForRoom
    /// Sends what the socket takes as soon as that is something; with `pollsFirst` it does not try before
    /// the socket has room.
    case some(pollsFirst: Bool)
  }

  /// Sends bytes that stay in place until the send has ended.
  func send(
    _ bytes: UnsafeRawPointer?, count: Int, to file: File, _ manner: SendManner, token: Token
  ) {
    fill(IORING_OP_SEND, token, file)
    unsafe entry.pointee.addr = UInt64(UInt(bitPattern: bytes))
    unsafe entry.pointee.len = UInt32(count)
    apply(manner)
  }

  /// Sends what a message names. The message itself has to stay until it is submitted, the bytes
  /// until the send has ended.
  func send(
    _ message: UnsafePointer<msghdr>, to file: File, _ manner: SendManner, token: Token
  ) {
    fill(IORING_OP_SENDMSG, token, file)
    unsafe entry.pointee.addr = UInt64(UInt(bitPattern: message))
    unsafe entry.pointee.len = 1
    apply(manner)
  }

  /// Ends the operation that was submitted with a token.
  func cancel(_ target: Token) {
    fill(IORING_OP_ASYNC_CANCEL, Token(.cancel, index: 0, generation: 0))
    unsafe entry.pointee.fd = -1
    unsafe entry.pointee.addr = target.rawValue
    unsafe entry.pointee.flags |= MARTLET_SQE_CQE_SKIP_SUCCESS
  }

  /// Ends all operations that were submitted with a token.
  func cancelAll(_ target: Token) {
    cancel(target)
    unsafe entry.pointee.cancel_flags = UInt32(IORING_ASYNC_CANCEL_ALL)
  }

  /// Makes closing a direct descriptor send RST. The value has to stay until it is submitted.
  func setLinger(_ value: UnsafePointer<linger>, on file: File, token: Token) {
    unsafe martlet_prepare_setsockopt(
      entry, SOL_SOCKET, SO_LINGER, value, UInt32(MemoryLayout<linger>.size))
    fill(IORING_OP_URING_CMD, token, file)
    unsafe entry.pointee.flags |= MARTLET_SQE_CQE_SKIP_SUCCESS
  }

  /// Asks how many bytes the peer has not acknowledged: the completion's result. TCP only.
  func countUnacknowledged(_ file: File, token: Token) {
    fill(IORING_OP_URING_CMD, token, file)
    unsafe entry.pointee.off = UInt64(MARTLET_SOCKET_SIOCOUTQ)
  }

  /// Gives a direct descriptor a number in the process as well: the completion's result.
  func install(_ file: File, token: Token) {
    fill(IORING_OP_NOP, token, file)
    unsafe entry.pointee.opcode = MARTLET_OPERATION_FIXED_FD_INSTALL
  }

  /// Sends FIN, by way of one of the kernel's worker threads.
  func shutdownSending(_ file: File, token: Token) {
    fill(IORING_OP_SHUTDOWN, token, file)
    unsafe entry.pointee.len = UInt32(SHUT_WR)
  }

  /// Takes a descriptor out of the ring's table.
  func closeDirect(_ index: UInt32, token: Token) {
    fill(IORING_OP_CLOSE, token)
    unsafe entry.pointee.file_index = index + 1
  }

  private func apply(_ manner: SendManner) {
    // io_uring takes MSG_WAITALL on a send to mean: go on until all is sent.
    let flags = MSG_NOSIGNAL | MSG_WAITALL
    switch manner {
    case .inline:
      unsafe entry.pointee.msg_flags = UInt32(flags | MSG_DONTWAIT)
      unsafe entry.pointee.flags |= MARTLET_SQE_CQE_SKIP_SUCCESS
    case .waiting:
      unsafe entry.pointee.msg_flags = UInt32(flags)
    case .waitingForRoom:
      unsafe entry.pointee.msg_flags = UInt32(flags)
      unsafe entry.pointee.ioprio = UInt16(IORING_RECVSEND_POLL_FIRST)
    case .some(let pollsFirst):
      unsafe entry.pointee.msg_flags = UInt32(MSG_NOSIGNAL)
      if pollsFirst { unsafe entry.pointee.ioprio = UInt16(IORING_RECVSEND_POLL_FIRST) }
    }
  }

  private func fill(_ operation: io_uring_op, _ token: Token, _ file: File) {
    fill(operation, token)
    unsafe entry.pointee.fd = file.descriptor
    if file.isDirect { unsafe entry.pointee.flags = MARTLET_SQE_FIXED_FILE }
  }

  private func fill(_ operation: io_uring_op, _ token: Token) {
    unsafe entry.pointee.opcode = UInt8(operation.rawValue)
    unsafe entry.pointee.user_data = token.rawValue
  }
}
