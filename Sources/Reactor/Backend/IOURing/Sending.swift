internal import CURing
internal import Glibc

// Sends are tried during submission and report nothing when all went well: after the entry into the
// kernel, those without a completion have succeeded. Only what did not fit is sent by an operation
// that waits.
extension IOURingBackend {
  /// The most bytes of an inline send: the kernel cuts what is close to 2 GiB without saying so.
  private static let inlineByteCountMax = 1 << 30

  func send(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    let mode = connection.pointee.sendState
    assert(!mode.contains(.isWaiting), "one send at a time")
    guard mode.isEmpty else { return sendWaiting(batch, on: connection) }
    // The connection's bytes have just been read and answered: they are still in the cache.
    if connection.pointee.flags.contains(.sendsAtOnce) { return attempt(batch, on: connection) }
    guard capabilities.sendsInline, batch.byteCount <= Self.inlineByteCountMax else {
      return sendWaiting(batch, on: connection)
    }
    let byteCount = prepare(
      batch, on: connection, .inline, token: Token(.inlineSend, of: connection))
    state.inlineSends.append(InlineSend(connection: connection, byteCount: byteCount))
    connection.pointee.backendOperationCount += 1
    return .pending(0)
  }

  /// No system call can name a direct descriptor: for one, a send is handed over at once, and looked after.
  func sendSynchronously(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    guard connection.pointee.sendState.isDisjoint(with: [.isWaiting, .hasFailed]) else {
      return send(batch, on: connection)
    }
    if tableCount == 0 { return attempt(batch, on: connection) }
    let start = send(batch, on: connection)
    guard case .pending = start else { return start }
    return settleSend(on: connection)
  }

  /// Hands an inline send over if it has not been yet. Without a completion it has succeeded; one that is there stays
  /// where it is, to be reported by `wait`.
  func settleSend(on connection: ConnectionPointer) -> SendStart {
    guard connection.pointee.sendState.isEmpty,
      let position = lastInlineSend(on: connection)
    else { return .pending(0) }
    if position >= state.triedInlineSendCount { submit() }
    guard position < state.triedInlineSendCount, !ring.hasOverflowed else { return .pending(0) }
    if let result = ring.readyResult(of: Token(.inlineSend, of: connection)) {
      guard result >= 0 || result == -EAGAIN else { return .pending(0) }
      connection.pointee.sendState.formUnion([.isBlocked, .isCounted])
      return .blocked(Int(max(0, result)))
    }
    operationEnded(on: connection)
    state.inlineSends[position].isSettled = true
    return .handed(state.inlineSends[position].byteCount)
  }

  /// The position in the queue of a connection's last inline send that is not settled.
  private func lastInlineSend(on connection: ConnectionPointer) -> Int? {
    var position = state.inlineSends.count
    while position > 0 {
      position -= 1
      let send = state.inlineSends[position]
      if send.connection == connection, !send.isSettled { return position }
    }
    return nil
  }

  func isFull(_ connection: ConnectionPointer) -> Bool {
    !connection.pointee.sendState.isDisjoint(with: [.isBlocked, .hasReported])
  }

  func sendNow(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    // One that was full is to be waited for first.
    guard connection.pointee.sendState.isEmpty else { return .handed(0) }
    return attempt(batch, on: connection)
  }

  /// A send that has posted a completion.
  func sent(
    _ completion: Completion, on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    var result = completion.result
    if completion.token.operation == .inlineSend {
      if connection.pointee.sendState.contains(.isCounted) {
        connection.pointee.sendState.remove(.isCounted)
        result = min(result, 0)
      }
      // It stays in the list of inline sends, and with it in the count of operations.
      connection.pointee.sendState.formUnion([.isBlocked, .hasReported])
    } else {
      connection.pointee.sendState.remove(.isWaiting)
      if result > 0 { connection.pointee.sendState.remove(.isBlocked) }
      operationEnded(on: connection)
    }
    if connection.pointee.isClosingDown {
      finishClosing(connection, to: receiver)
    } else if result >= 0 {
      receiver.sent(Int(result), on: connection)
    } else if result == -EAGAIN || result == -EINTR || result == -ECANCELED {
      receiver.sent(0, on: connection)
    } else {
      connection.pointee.sendState.insert(.hasFailed)
      receiver.sendFailed(-result, on: connection)
    }
  }

  /// Reports the inline sends that the kernel has tried, except those that had a completion. That
  /// stands in the queue by the end of the entry that tried the send: all that stood there then has
  /// to be taken first.
  func reportInlineSends(to receiver: any CompletionReceiver) {
    if state.settlingInlineSendCount == 0 {
      guard state.triedInlineSendCount > 0, !ring.hasOverflowed else { return }
      state.settlingInlineSendCount = state.triedInlineSendCount
      state.settledCompletionCount = state.completionCount &+ UInt64(ring.readyCount)
    }
    guard state.completionCount >= state.settledCompletionCount else { return }
    while state.settlingInlineSendCount > 0, let send = state.inlineSends.popFirst() {
      state.settlingInlineSendCount -= 1
      state.triedInlineSendCount -= 1
      guard !send.isSettled else { continue }
      let connection = send.connection
      operationEnded(on: connection)
      if connection.pointee.isClosingDown {
        finishClosing(connection, to: receiver)
      } else if connection.pointee.sendState.contains(.hasReported) {
        connection.pointee.sendState.remove(.hasReported)
      } else {
        receiver.sent(send.byteCount, on: connection)
      }
    }
  }

  /// Notes whether the socket is full afterwards.
  private func attempt(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    while true {
      state.systemCallCount += 1
      let count = unsafe trySend(batch.vectors, on: connection.pointee.descriptor)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno != EAGAIN {
        let code = errno
        connection.pointee.sendState.insert(.hasFailed)
        return .failed(code)
      }
      if count < batch.byteCount {
        connection.pointee.sendState.insert(.isBlocked)
      } else {
        connection.pointee.sendState.remove(.isBlocked)
      }
      return .handed(max(0, count))
    }
  }

  private func trySend(
    _ vectors: UnsafeMutableBufferPointer<iovec>, on descriptor: Int32
  ) -> Int {
    let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
    guard vectors.count > 1 else {
      return unsafe Glibc.send(descriptor, vectors[0].iov_base, vectors[0].iov_len, flags)
    }
    var message = unsafe msghdr()
    unsafe message.msg_iov = vectors.baseAddress
    unsafe message.msg_iovlen = vectors.count
    return unsafe sendmsg(descriptor, &message, flags)
  }

  private func sendWaiting(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    let isBlocked = connection.pointee.sendState.contains(.isBlocked)
    _ = prepare(
      batch, on: connection, waitingManner(of: connection, isBlocked: isBlocked),
      token: Token(.send, of: connection))
    connection.pointee.sendState.insert(.isWaiting)
    connection.pointee.backendOperationCount += 1
    return .pending(0)
  }

  /// Where the kernel does not tell what the peer has acknowledged, what it has taken of us stands for it
  /// (`SendWatch`). There a send must not go on for long without saying so.
  private func waitingManner(
    of connection: ConnectionPointer, isBlocked: Bool
  ) -> Submission.SendManner {
    guard tableCount == 0, !connection.pointee.socketFlags.contains(.isUnix) else {
      return .some(pollsFirst: isBlocked)
    }
    return isBlocked ? .waitingForRoom : .waiting
  }

  /// - Returns: how many bytes it sends when it succeeds.
  private func prepare(
    _ batch: SendBatch, on connection: ConnectionPointer, _ manner: Submission.SendManner,
    token: Token
  ) -> Int {
    let file = file(of: connection)
    if unsafe batch.vectors.count > 1 {
      var message = unsafe state.scratch.makeMessage(batch)
      if unsafe message == nil {
        submit()
        unsafe message = unsafe state.scratch.makeMessage(batch)
      }
      if let message = unsafe message {
        unsafe nextSubmission().send(message, to: file, manner, token: token)
        return batch.byteCount
      }
    }
    let first = unsafe batch.vectors[0]
    let byteCount = unsafe min(first.iov_len, Self.inlineByteCountMax)
    unsafe nextSubmission().send(
      first.iov_base, count: byteCount, to: file, manner, token: token)
    return byteCount
  }
}
