internal import CURing
internal import Glibc

// How a connection waits for bytes. A busy one has a multishot receive, which takes a provided
// buffer whenever bytes arrive; a quiet one, or one too many, has a poll, which costs a third of
// the kernel's memory; one with large messages has a poll as well, and is read into the hot buffer.
// A change of ways begins when what is with the kernel has ended, so bytes stay in order.
extension IOURingBackend {
  func receive(on connection: ConnectionPointer) {
    connection.pointee.receiveState.insert(.isWanted)
    connection.pointee.socketFlags.remove(.isPaused)
    if connection.pointee.receiveState.isSuperset(of: .isPollingForError) {
      cancelReceive(on: connection)
    } else {
      armReceive(on: connection)
    }
  }

  func pauseReceiving(on connection: ConnectionPointer) {
    guard connection.pointee.receiveState.contains(.isWanted) else { return }
    connection.pointee.receiveState.remove(.isWanted)
    connection.pointee.socketFlags.insert(.isPaused)
    if connection.pointee.receiveState.contains(.isMultishot) {
      cancelReceive(on: connection)
    } else {
      pollForError(on: connection)
    }
  }

  func quiesce(_ connection: ConnectionPointer) {
    let mode = connection.pointee.receiveState
    guard mode.contains(.isWanted), mode.isDisjoint(with: [.isPolling, .isClosing]) else { return }
    connection.pointee.receiveState.insert(.isQuiet)
    if mode.contains(.isMultishot) { cancelReceive(on: connection) }
  }

  /// Bytes, readiness or an end: what a connection has been waiting for.
  @inline(__always)
  func received(
    _ completion: Completion, on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    let armed = connection.pointee.receiveState.intersection(.armed)
    if !completion.hasMore { disarm(connection) }
    if let buffer = completion.buffer {
      deliver(buffer, of: completion, on: connection, to: receiver)
    }
    let isLarge = connection.pointee.receiveState.contains(.isLarge)
    if connection.pointee.isClosingDown {
      if !completion.hasMore { finishClosing(connection, to: receiver) }
    } else if armed == .isPollingForError {
      polledForError(completion, on: connection, to: receiver)
    } else if isLarge, armed.contains(.isPolling), completion.result > 0 {
      receiveLarge(completion, on: connection, to: receiver)
    } else if !completion.hasMore {
      receiveStopped(
        completion, wasPolling: armed.contains(.isPolling), on: connection, to: receiver)
    }
  }

  /// Whether there was no time for all that others have received. What they have received is in
  /// buffers, so these are scarce.
  private var isFlooded: Bool { ring.readyCount > 0 }

  /// Starts receiving anew for connections that found no buffer, for no more than there are buffers: any
  /// more would find none again, and have lost their place in the line. While buffers are scarce a
  /// connection is read without any. With a direct descriptor that cannot be: it gets one buffer, of
  /// those that nothing undelivered lies in, and joins the line again. A multishot receive would take
  /// all that are left.
  func receiveForStarved() {
    guard !state.starved.isEmpty else { return }
    let isFlooded = isFlooded
    let heldCount = isFlooded && tableCount > 0 ? ring.readyBufferCount : 0
    var budget = min(state.starved.count, buffers.count - min(heldCount, buffers.count))
    while budget > 0, let next = state.starved.popFirst() {
      if let connection = next.connection {
        if isFlooded { becomeLarge(connection) }
        armReceive(on: connection, isReadable: isFlooded, takesOneBuffer: isFlooded)
        pollForError(on: connection)
      }
      budget -= 1
    }
  }

  /// Starts waiting in the way that suits the connection, unless it is waiting already.
  /// `isReadable` says that bytes are in the socket.
  func armReceive(
    on connection: ConnectionPointer, isReadable: Bool = false, takesOneBuffer: Bool = false
  ) {
    var mode = connection.pointee.receiveState
    guard mode.contains(.isWanted), !mode.isArmed, !mode.contains(.isClosing) else { return }
    let mayMultishot = state.multishotCount < configuration.multishotCountMax && !takesOneBuffer
    let token = Token(.receive, of: connection)
    if mode.contains(.isLarge) || !isReadable && (mode.contains(.isQuiet) || !mayMultishot) {
      nextSubmission().poll(
        file(of: connection), events: Int32(POLLIN) | MARTLET_POLLRDHUP,
        isMultishot: mode.contains(.isLarge), token: token)
      mode.insert(.isPolling)
    } else {
      nextSubmission().receive(
        file(of: connection), group: buffers.group, isMultishot: mayMultishot,
        pollsFirst: !isReadable, token: token)
      mode.remove(.isQuiet)
      mode.insert(mayMultishot ? .isMultishot : .isSingle)
      if mayMultishot { state.multishotCount += 1 }
    }
    connection.pointee.receiveState = mode
    connection.pointee.backendOperationCount += 1
  }

  /// Asks the kernel to end what waits for bytes. What it has received by then is still delivered.
  func cancelReceive(on connection: ConnectionPointer) {
    guard !connection.pointee.receiveState.contains(.isCancelling) else { return }
    connection.pointee.receiveState.insert(.isCancelling)
    nextSubmission().cancel(Token(.receive, of: connection))
  }

  func endReceiving(
    on connection: ConnectionPointer, _ code: Int32, to receiver: any CompletionReceiver
  ) {
    connection.pointee.receiveState.remove(.isWanted)
    connection.pointee.socketFlags.remove(.isPaused)
    let isReset = code == 0 && connection.pointee.sendState.contains(.hasFailed)
    receiver.receiveEnded(isReset ? ECONNRESET : code, on: connection)
  }

  func file(of connection: ConnectionPointer) -> Submission.File {
    Submission.File(descriptor: connection.pointee.descriptor, isDirect: tableCount > 0)
  }

  private func disarm(_ connection: ConnectionPointer) {
    if connection.pointee.receiveState.contains(.isMultishot) { state.multishotCount -= 1 }
    connection.pointee.receiveState.subtract([.armed, .isCancelling])
    operationEnded(on: connection)
  }

  @inline(__always)
  private func deliver(
    _ buffer: UInt16, of completion: Completion, on connection: ConnectionPointer,
    to receiver: any CompletionReceiver
  ) {
    let count = Int(completion.result)
    if count > 0, !connection.pointee.isClosingDown {
      noteVolume(count, on: connection)
      unsafe receiver.received(buffers.bytes(in: buffer, count: count), on: connection)
      state.budget.note(byteCount: count)
    }
    buffers.giveBack(buffer)
  }

  private func receiveStopped(
    _ completion: Completion, wasPolling: Bool, on connection: ConnectionPointer,
    to receiver: any CompletionReceiver
  ) {
    switch -completion.result {
    case ..<0 where isFlooded && !wasPolling && !connection.pointee.receiveState.contains(.isLarge):
      starve(connection)
    case ..<0, ECANCELED, EAGAIN, EINTR:
      // With bytes it ended because it was to take one buffer only, or because the queue was full.
      armReceive(
        on: connection,
        isReadable: completion.result > 0 && (wasPolling || completion.isMoreReadable))
      pollForError(on: connection)
    case ENOBUFS:
      state.starvedBufferCount += 1
      starve(connection)
    case let code:
      endReceiving(on: connection, code, to: receiver)
    }
  }

  private func starve(_ connection: ConnectionPointer) {
    state.starved.append(ConnectionTurn(connection))
  }
}
