internal import CURing
internal import Glibc

/// The listeners that an epoll backend accepts on, and the failures it has to report.
struct EpollListeners {
  /// By index; -1: not accepting.
  private var descriptors: [Int32] = []
  private(set) var failures: [(index: Int, code: Int32)] = []

  subscript(index: Int) -> Int32 {
    get { index < descriptors.count ? descriptors[index] : -1 }
    set {
      while descriptors.count <= index { descriptors.append(-1) }
      descriptors[index] = newValue
    }
  }

  mutating func appendFailure(_ code: Int32, index: Int) {
    failures.append((index, code))
  }

  mutating func removeFailures(index: Int) {
    failures.removeAll { $0.index == index }
  }

  mutating func takeFailure() -> (index: Int, code: Int32) {
    failures.removeFirst()
  }
}

extension EpollBackend {
  func accept(on listener: Int32, index: Int, isOneByOne _: Bool) {
    // One by one it is in any case.
    assert(listeners[index] < 0, "accepting already")
    // Level-triggered: whom the budget leaves in the backlog is signalled again.
    do throws(SystemError) {
      try hot.value.set.add(
        listener, events: EPOLLIN.rawValue, token: EpollToken(listener: index))
      listeners[index] = listener
    } catch {
      listeners.appendFailure(error.code, index: index)
    }
  }

  func stopAccepting(index: Int) {
    listeners.removeFailures(index: index)
    guard listeners[index] >= 0 else { return }
    hot.value.set.remove(listeners[index])
    listeners[index] = -1
  }

  /// Accepts until the backlog is empty, the receiver stops it, or it is the others' turn.
  func deliverAccepted(index: Int, to receiver: any CompletionReceiver) {
    let listener = listeners[index]
    for _ in 0..<configuration.acceptBudgetCount {
      guard listener >= 0, listeners[index] == listener, hot.value.budget.allowsAnother() else {
        return
      }
      hot.value.otherSystemCallCount += 1
      let descriptor = martlet_accept(listener)
      if descriptor >= 0 {
        receiver.accepted(descriptor, listener: index)
        continue
      }
      let code = errno
      if code == EAGAIN { return }
      if Listener.isOfOneClient(code) { continue }
      // Left in the set, the listener would be signalled for ever.
      stopAccepting(index: index)
      receiver.acceptFailed(code, listener: index)
      return
    }
  }

  /// Reports listeners that could not be watched. Returns whether there was one.
  func deliverAcceptFailures(to receiver: any CompletionReceiver) -> Bool {
    let count = listeners.failures.count
    for _ in 0..<count where !listeners.failures.isEmpty {
      let failure = listeners.takeFailure()
      receiver.acceptFailed(failure.code, listener: failure.index)
    }
    return count > 0
  }
}
