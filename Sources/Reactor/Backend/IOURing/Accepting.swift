internal import CURing
internal import Glibc

/// What the backend knows of a listening socket.
struct RingListener {
  var descriptor: Int32
  /// Counts the times that accepting was started, so that the end of an earlier one is not taken
  /// for that of a later one.
  var generation: UInt32
  var isAccepting: Bool
}

// Accepting, always into descriptors of the process: what is wrong with one of those is known
// before it is the ring's, and a table that is full costs nobody a connection. Each operation accepts
// one connection and is started anew when that has been reported. A multishot accept would empty the
// whole backlog at once, however long it is, before anybody else has his turn.
extension IOURingBackend {
  func accept(on listener: Int32, index: Int, isOneByOne: Bool) {
    while state.listeners.count <= index {
      state.listeners.append(
        RingListener(descriptor: -1, generation: 0, isAccepting: false))
    }
    assert(!state.listeners[index].isAccepting, "accepting already")
    state.listeners[index].descriptor = listener
    state.listeners[index].generation &+= 1
    state.listeners[index].isAccepting = true
    for _ in 0..<(isOneByOne ? 1 : DeliveryLimits.acceptCountMax) { armAccept(index) }
  }

  func stopAccepting(index: Int) {
    guard state.listeners.indices.contains(index), state.listeners[index].isAccepting else {
      return
    }
    endAccepting(index)
  }

  private func endAccepting(_ index: Int) {
    state.listeners[index].isAccepting = false
    nextSubmission().cancelAll(acceptToken(index))
    // At once, and with what the kernel defers: else it would hold on to a listener that is closed
    // right after this, until the next wait.
    submit()
    ring.submitAndWait(timeoutNanoseconds: 0)
    state.systemCallCount += 1
  }

  func accepted(_ completion: Completion, to receiver: any CompletionReceiver) {
    let index = Int(completion.token.index)
    if completion.result >= 0 {
      receiver.accepted(completion.result, listener: index)
      // The receiver may have stopped accepting, and begun again.
      if isAccepting(completion.token) { armAccept(index) }
      return
    }
    guard isAccepting(completion.token) else { return }
    switch -completion.result {
    case let code where code == EAGAIN || code != EPERM && Listener.isOfOneClient(code):
      // A client that has gone again. The next one may be fine. EPERM may be for nobody: it would come again at once.
      armAccept(index)
    case let code:
      // The others would go on.
      endAccepting(index)
      receiver.acceptFailed(code, listener: index)
    }
  }

  /// Whether an operation belongs to accepting as it was started last, and that has not been stopped.
  private func isAccepting(_ token: Token) -> Bool {
    let listener = state.listeners[Int(token.index)]
    return listener.isAccepting && token.generation == listener.generation
  }

  private func armAccept(_ index: Int) {
    nextSubmission().accept(on: state.listeners[index].descriptor, token: acceptToken(index))
  }

  private func acceptToken(_ index: Int) -> Token {
    Token(.accept, index: UInt32(index), generation: state.listeners[index].generation)
  }
}
