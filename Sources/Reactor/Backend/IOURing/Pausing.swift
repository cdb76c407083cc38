internal import CURing
internal import Glibc

// While receiving is paused, nothing that waits for bytes is with the kernel. A poll tells of errors and
// hang-ups, whatever it asks for (poll(2)), and io_uring's of the peer's FIN too: so a reset is
// noticed. It is a multishot one, which tells of each change once: a FIN stays, and would otherwise be
// told again and again.
extension IOURingBackend {
  func pollForError(on connection: ConnectionPointer) {
    let mode = connection.pointee.receiveState
    guard connection.pointee.socketFlags.contains(.isPaused), !mode.isArmed,
      !mode.contains(.isClosing)
    else { return }
    nextSubmission().poll(
      file(of: connection), events: 0, isMultishot: true, token: Token(.receive, of: connection))
    connection.pointee.receiveState.formUnion(.isPollingForError)
    connection.pointee.backendOperationCount += 1
  }

  func polledForError(
    _ completion: Completion, on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    guard connection.pointee.socketFlags.contains(.isPaused) else {
      // It was resumed, or has ended: this goes on until it has been cancelled.
      if !completion.hasMore { armReceive(on: connection) }
      return
    }
    guard completion.result > 0, completion.result & Int32(POLLERR) != 0 else {
      if !completion.hasMore { pollForError(on: connection) }
      return
    }
    endReceiving(on: connection, error(of: connection), to: receiver)
  }

  /// No system call can name a direct descriptor. What a connection's socket reports is a reset as a
  /// rule.
  private func error(of connection: ConnectionPointer) -> Int32 {
    guard tableCount == 0 else { return ECONNRESET }
    state.systemCallCount += 1
    let code = Socket(connection.pointee.descriptor).takeError()
    return code == 0 ? ECONNRESET : code
  }
}
