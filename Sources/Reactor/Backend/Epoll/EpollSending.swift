internal import CURing
internal import Glibc

extension EpollBackend {
  func send(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    assert(connection.epollState.isDisjoint(with: [.isClosed, .isSendPending]))
    while true {
      hot.value.otherSystemCallCount += 1
      let count = Self.send(batch, to: connection.pointee.descriptor)
      if count == batch.byteCount { return .handed(count) }
      if count >= 0 || errno == EAGAIN {
        // The socket is full, so the kernel will signal when it has room: an edge that no event
        // taken before can have used up.
        connection.epollState.insert(.isSendPending)
        return .blocked(max(0, count))
      }
      if errno == EINTR { continue }
      connection.epollState.insert(.hasSendFailed)
      return .failed(errno)
    }
  }

  func sendSynchronously(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    send(batch, on: connection)
  }

  /// Only what the socket has no room for waits.
  func settleSend(on connection: ConnectionPointer) -> SendStart { .blocked(0) }

  func isFull(_ connection: ConnectionPointer) -> Bool { false }

  func sendNow(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    assert(connection.epollState.isDisjoint(with: [.isClosed, .isSendPending]))
    while true {
      hot.value.otherSystemCallCount += 1
      let count = Self.send(batch, to: connection.pointee.descriptor)
      if count >= 0 || errno == EAGAIN { return .handed(max(0, count)) }
      if errno == EINTR { continue }
      connection.epollState.insert(.hasSendFailed)
      return .failed(errno)
    }
  }

  func shutdownSending(on connection: ConnectionPointer) {
    hot.value.otherSystemCallCount += 1
    Socket(connection.pointee.descriptor).shutdownSending()
  }

  /// Ends a pending send when the kernel has signalled room, or that the connection is broken: then
  /// the next send says so.
  func deliverSendable(_ connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    guard connection.epollState.contains(.isSendPending) else { return }
    connection.epollState.remove(.isSendPending)
    receiver.sent(0, on: connection)
  }

  @inline(__always)
  private static func send(_ batch: SendBatch, to descriptor: Int32) -> Int {
    let flags = SendBatch.sendFlags
    if unsafe batch.vectors.count == 1 {
      let vector = unsafe batch.vectors[0]
      return unsafe Glibc.send(descriptor, vector.iov_base, vector.iov_len, flags)
    }
    var message = unsafe msghdr()
    unsafe message.msg_iov = batch.vectors.baseAddress
    unsafe message.msg_iovlen = batch.vectors.count
    return unsafe sendmsg(descriptor, &message, flags)
  }
}
