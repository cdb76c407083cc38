internal import CURing
internal import Glibc

extension EpollBackend {
  func close(_ connection: ConnectionPointer, reset: Bool) {
    assert(!connection.epollState.contains(.isClosed), "a connection is closed once")
    // All other notes go: whatever list it stands in, its turn is passed over.
    connection.epollState = .isClosed
    let socket = Socket(connection.pointee.descriptor)
    if connection.pointee.socketFlags.contains(.isAdopted) {
      // If others hold the socket, closing ends neither the connection nor what the set tells of it.
      hot.value.set.remove(socket.descriptor)
      hot.value.otherSystemCallCount += socket.end(reset: reset)
    } else if reset {
      hot.value.otherSystemCallCount += 1
      socket.resetAtClose()
    }
    hot.value.otherSystemCallCount += 1
    socket.close()
    connection.pointee.descriptor = -1
    hot.value.closing.append(EpollToken(connection))
  }

  /// Reports the connections that were closed before this wait, as far as there is time. Returns
  /// whether there was one.
  func deliverClosed(to receiver: any CompletionReceiver) -> Bool {
    let count = hot.value.closing.count
    for _ in 0..<count {
      guard hot.value.budget.allowsAnother(), let token = hot.value.closing.popFirst() else {
        break
      }
      receiver.closed(slab.record(at: token.index))
    }
    return count > 0
  }
}
