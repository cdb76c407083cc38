internal import CURing
internal import Glibc

// Connections in the ring's own table, at the index of their record. They do not count against the
// process's limit of open files, but no system call can name them.
extension IOURingBackend {
  /// As many slots as the kernel allows: its limit is the process's soft limit of open files.
  static func tableCount(for capacity: Int) -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return capacity
    }
    return min(capacity, Int(clamping: limit.rlim_cur))
  }

  func moveToTable(_ connection: ConnectionPointer) throws(SystemError) {
    assert(connection.pointee.index < tableCount, "the slab has a slot for each of its records")
    state.systemCallCount += 2
    try ring.updateTable(
      at: connection.pointee.index, to: connection.pointee.descriptor)
    Glibc.close(connection.pointee.descriptor)
    connection.pointee.descriptor = Int32(connection.pointee.index)
  }

  func shutdownSendingDirect(on connection: ConnectionPointer) {
    nextSubmission().install(file(of: connection), token: Token(.install, of: connection))
    connection.pointee.backendOperationCount += 1
  }

  func closeDirect(_ connection: ConnectionPointer, reset: Bool) {
    if reset {
      unsafe nextSubmission().setLinger(
        lingerZero, on: file(of: connection), token: Token(.adjustment, of: connection))
    }
    if connection.pointee.receiveState.isArmed { cancelReceive(on: connection) }
    if connection.pointee.sendState.contains(.isWaiting) {
      nextSubmission().cancel(Token(.send, of: connection))
    }
    if connection.pointee.backendOperationCount == 0 { removeFromTable(connection) }
  }

  func removeFromTable(_ connection: ConnectionPointer) {
    nextSubmission().closeDirect(
      UInt32(connection.pointee.descriptor), token: Token(.closing, of: connection))
    connection.pointee.backendOperationCount += 1
  }

  /// A direct descriptor was installed, or taken out of the table.
  func adjusted(
    _ completion: Completion, on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    operationEnded(on: connection)
    if completion.token.operation == .closing {
      connection.pointee.descriptor = -1
      receiver.closed(connection)
      return
    }
    if completion.result >= 0 {
      state.systemCallCount += 2
      _ = shutdown(completion.result, Int32(SHUT_WR))
      Glibc.close(completion.result)
    } else if !connection.pointee.isClosingDown {
      // No descriptor is free: one of the kernel's worker threads can do without.
      nextSubmission().shutdownSending(
        file(of: connection), token: Token(.adjustment, of: connection))
    }
    if connection.pointee.isClosingDown { finishClosing(connection, to: receiver) }
  }
}
