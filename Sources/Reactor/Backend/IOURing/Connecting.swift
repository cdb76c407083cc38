internal import CURing
internal import Glibc

// Connecting. The system call that begins it needs a descriptor of the process; what waits for its
// end is a poll, since that works on every kernel, and on a socket that has connected already.
extension IOURingBackend {
  func connect(_ connection: ConnectionPointer) {
    connection.pointee.sendState.insert(.isConnecting)
    nextSubmission().poll(
      .init(descriptor: connection.pointee.descriptor, isDirect: false), events: Int32(POLLOUT),
      token: Token(.connect, of: connection))
    connection.pointee.backendOperationCount += 1
  }

  func connectEnded(on connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    operationEnded(on: connection)
    guard !connection.pointee.isClosingDown else {
      return finishClosing(connection, to: receiver)
    }
    state.systemCallCount += 1
    var code = Socket(connection.pointee.descriptor).takeError()
    if code == 0 {
      do throws(SystemError) {
        try adopt(connection)
        connection.pointee.sendState.remove(.isConnecting)
      } catch {
        code = error.code
      }
    }
    receiver.connected(code, on: connection)
  }
}
