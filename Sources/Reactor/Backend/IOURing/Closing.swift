internal import CURing
internal import Glibc

// Closing. What is with the kernel holds the socket open, so it has to end first: shutting the
// socket down ends it, at a fraction of the cost of cancelling. Direct descriptors cannot be shut
// down without being installed first; for them, what is with the kernel is cancelled.
extension IOURingBackend {
  func shutdownSending(on connection: ConnectionPointer) {
    guard tableCount == 0 else { return shutdownSendingDirect(on: connection) }
    state.systemCallCount += 1
    _ = shutdown(connection.pointee.descriptor, Int32(SHUT_WR))
  }

  func close(_ connection: ConnectionPointer, reset: Bool) {
    connection.pointee.receiveState.insert(.isClosing)
    connection.pointee.receiveState.remove(.isWanted)
    if tableCount > 0, !connection.pointee.isConnecting {
      closeDirect(connection, reset: reset)
      return
    }
    // Closing does not end a connection whose socket others hold.
    if connection.pointee.backendOperationCount > 0 || reset
      || connection.pointee.socketFlags.contains(.isAdopted)
    {
      state.systemCallCount += Socket(connection.pointee.descriptor).end(reset: reset)
    }
    // A multishot poll reports the end, and goes on.
    let mode = connection.pointee.receiveState
    if mode.isSuperset(of: [.isPolling, .isLarge]) || mode.isSuperset(of: .isPollingForError) {
      cancelReceive(on: connection)
    }
    if connection.pointee.backendOperationCount == 0 {
      release(connection)
      state.closed.append(connection)
    }
  }

  /// Goes on closing when the kernel has nothing of the connection any more. Called within `wait`.
  func finishClosing(_ connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    // Without a descriptor it was closed within its own last completion, and waits to be reported.
    guard connection.pointee.backendOperationCount == 0, connection.pointee.descriptor >= 0 else {
      return
    }
    if tableCount > 0, !connection.pointee.isConnecting {
      removeFromTable(connection)
    } else {
      release(connection)
      receiver.closed(connection)
    }
  }

  /// Reports connections that were closed when the kernel had nothing of them.
  func reportClosed(to receiver: any CompletionReceiver) {
    var count = state.closed.count
    while count > 0, let next = state.closed.popFirst() {
      receiver.closed(next)
      count -= 1
    }
  }

  private func release(_ connection: ConnectionPointer) {
    state.systemCallCount += 1
    Glibc.close(connection.pointee.descriptor)
    connection.pointee.descriptor = -1
  }
}
