internal import CURing
internal import Glibc

/// What the backend knows of a listening socket.
struct RingListener {
  var descriptor: Int32
  /// Counts the times that accepting was started, so that the end of an earlier one is not taken
  /// for that of a later one.
  var generation: UInt32
  var isAccepting: Bool
  var isOneByOne: Bool
}

// Accepting, always into descriptors of the process: what is wrong with one of those is known
// before it is the ring's, and a table that is full costs nobody a connection.
extension IOURingBackend {
  func accept(on listener: Int32, index: Int, isOneByOne: Bool) {
    while state.listeners.count <= index {
      state.listeners.append(
        RingListener(descriptor: -1, generation: 0, isAccepting: false, isOneByOne: false))
    }
    assert(!state.listeners[index].isAccepting, "accepting already")
    state.listeners[index].descriptor = listener
    state.listeners[index].generation &+= 1
    state.listeners[index].isAccepting = true
    state.listeners[index].isOneByOne = isOneByOne
    armAccept(index)
  }

  func stopAccepting(index: Int) {
    guard state.listeners.indices.contains(index), state.listeners[index].isAccepting else {
      return
    }
    state.listeners[index].isAccepting = false
    nextSubmission().cancel(acceptToken(index))
    // At once, and with what the kernel defers: else it would hold on to a listener that is closed
    // right after this, until the next wait.
    submit()
    ring.submitAndWait(timeoutNanoseconds: 0)
    state.systemCallCount += 1
  }

  func accepted(_ completion: Completion, to receiver: any CompletionReceiver) {
    let index = Int(completion.token.index)
    let isCurrent =
      state.listeners[index].isAccepting
      && completion.token.generation == state.listeners[index].generation
    if completion.result >= 0 {
      receiver.accepted(completion.result, listener: index)
      if !completion.hasMore, isCurrent, state.listeners[index].isAccepting { armAccept(index) }
      return
    }
    guard isCurrent else { return }
    switch -completion.result {
    case let code where code == EAGAIN || code != EPERM && Listener.isOfOneClient(code):
      // A client that has gone again. The next one may be fine. EPERM may be for nobody: it would come again at once.
      if !completion.hasMore { armAccept(index) }
    case let code:
      state.listeners[index].isAccepting = false
      receiver.acceptFailed(code, listener: index)
    }
  }

  private func armAccept(_ index: Int) {
    nextSubmission().accept(
      on: state.listeners[index].descriptor,
      isMultishot: capabilities.acceptsMultishot && !state.listeners[index].isOneByOne,
      token: acceptToken(index))
  }

  private func acceptToken(_ index: Int) -> Token {
    Token(.accept, index: UInt32(index), generation: state.listeners[index].generation)
  }
}
