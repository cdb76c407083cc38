internal import CURing
internal import Glibc

/// What a direct descriptor has answered, until it is reported.
struct ExaminationAnswer {
  let connection: ConnectionPointer
  let generation: UInt32
  let bytes: SocketBytes
}

// What the kernel holds of a connection's bytes: asked rarely, and answered when all that had been
// received before has been delivered.
extension IOURingBackend {
  func examine(_ connection: ConnectionPointer) {
    guard tableCount > 0 else {
      state.examining.append(ConnectionTurn(connection))
      return
    }
    nextSubmission().countUnacknowledged(
      file(of: connection), token: Token(.examination, of: connection))
    connection.pointee.backendOperationCount += 1
  }

  /// A direct descriptor has answered, or has a number for a moment.
  func examined(
    _ completion: Completion, on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    operationEnded(on: connection)
    guard !connection.pointee.isClosingDown else {
      if completion.token.operation == .installForExamination { closeNumber(completion.result) }
      return finishClosing(connection, to: receiver)
    }
    if completion.token.operation == .installForExamination {
      let descriptor = completion.result
      if descriptor >= 0 { state.systemCallCount += Socket.bytesCallCount }
      answer(descriptor >= 0 ? Socket(descriptor).bytes : SocketBytes(), of: connection)
      closeNumber(descriptor)
    } else if completion.result == -EOPNOTSUPP {
      // A Unix socket, which io_uring does not ask.
      nextSubmission().install(
        file(of: connection), token: Token(.installForExamination, of: connection))
      connection.pointee.backendOperationCount += 1
    } else {
      let count = completion.result < 0 ? nil : Int64(completion.result)
      answer(SocketBytes(unacknowledgedByteCount: count), of: connection)
    }
  }

  /// Reports what has been asked for, once the completions have been taken that stood in the queue
  /// then.
  func reportExamined(to receiver: any CompletionReceiver) {
    guard state.examining.count > 0 || !state.answers.isEmpty else { return }
    if state.settlingExaminationCount == 0 {
      guard !ring.hasOverflowed else { return }
      state.settlingExaminationCount = max(1, state.examining.count)
      state.examinedCompletionCount = state.completionCount &+ UInt64(ring.readyCount)
    }
    guard state.completionCount >= state.examinedCompletionCount else { return }
    let count = state.settlingExaminationCount
    state.settlingExaminationCount = 0
    for _ in 0..<count {
      guard let next = state.examining.popFirst() else { break }
      guard let connection = next.connection, !connection.pointee.isClosingDown else { continue }
      state.systemCallCount += Socket.bytesCallCount
      receiver.examined(Socket(connection.pointee.descriptor).bytes, on: connection)
    }
    if !state.answers.isEmpty { reportAnswers(to: receiver) }
  }

  private func reportAnswers(to receiver: any CompletionReceiver) {
    let answers = state.answers
    state.answers = []
    for answer in answers
    where answer.connection.pointee.generation == answer.generation
      && !answer.connection.pointee.isClosingDown
    {
      receiver.examined(answer.bytes, on: answer.connection)
    }
  }

  private func answer(_ bytes: SocketBytes, of connection: ConnectionPointer) {
    var bytes = bytes
    // What waits for bytes has taken those that are there; if nothing does, they may be there.
    let mode = connection.pointee.receiveState
    if bytes.unreadByteCount == nil { bytes.unreadByteCount = mode.isArmed ? 0 : 1 }
    state.answers.append(
      ExaminationAnswer(
        connection: connection, generation: connection.pointee.generation, bytes: bytes))
  }

  private func closeNumber(_ descriptor: Int32) {
    guard descriptor >= 0 else { return }
    state.systemCallCount += 1
    Glibc.close(descriptor)
  }
}
