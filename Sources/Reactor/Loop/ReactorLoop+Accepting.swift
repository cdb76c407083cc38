internal import CURing
internal import Glibc

/// Accepting, as the gate has it.
extension ReactorLoop {
  func startAccepting(_ listener: Int) {
    guard let descriptor = listeners.descriptor(ofListener: listener, reactor: reactor.position)
    else { return }
    let isOneByOne = state.value.acceptGate.acceptsOneByOne
    backend.accept(on: descriptor, index: listener, isOneByOne: isOneByOne)
  }

  package func acceptFailed(_ code: Int32, listener: Int) {
    noteWake()
    // The reactor was stuck, and whoever waited for its end has withdrawn the listener: the stop is
    // what it hears of next.
    guard !listeners.isWithdrawn(ofReactor: reactor.position) else { return }
    pauseAccepting(listener, code: code)
  }

  /// Tries stopped listeners again, if there is a descriptor for whom they would accept.
  func restartListeners() {
    guard !state.value.acceptGate.paused.isEmpty, !state.value.isStopping else { return }
    guard hasDescriptorToSpare else { return scheduleRestart() }
    for listener in state.value.acceptGate.forgetPaused() { startAccepting(listener) }
  }

  /// A connection has come: the next one may be one too many.
  func noteAccepted(_ descriptor: Int32, at listener: Int) {
    let decision = state.value.acceptGate.accepted(descriptor, at: listener)
    if decision.narrows { restartAccepting() }
    guard decision.looks, !hasDescriptorToSpare else { return }
    backend.stopAccepting(index: listener)
    pauseAccepting(listener, code: EMFILE)
  }

  /// Has all listeners accept in the way that is right now.
  private func restartAccepting() {
    for listener in listeners.listeners(ofReactor: reactor.position)
    where !state.value.acceptGate.paused.contains(listener) {
      backend.stopAccepting(index: listener)
      startAccepting(listener)
    }
  }

  /// Leaves the clients in the backlog for the time being.
  private func pauseAccepting(_ listener: Int, code: Int32) {
    state.value.statistics.acceptFailureCount &+= 1
    state.value.acceptGate.pause(listener, code: code)
    scheduleRestart()
    guard state.value.nowNanoseconds >= state.value.nextNoticeNanoseconds else { return }
    state.value.nextNoticeNanoseconds = state.value.nowNanoseconds + 60_000_000_000
    let advice = "New clients wait. Raise RLIMIT_NOFILE (ulimit -n), \(OpenFileLimit.current) now"
    let error = SystemError("accept", code: code, advice: code == EMFILE ? advice : nil)
    reactor.configuration.log(
      "martlet: reactor \(reactor.position) has \(reactor.slab.count) connections: \(error)")
  }

  /// Whoever closes a connection brings a descriptor back; time may bring one back from elsewhere.
  private func scheduleRestart() {
    scheduleHousekeeping(afterNanoseconds: 100_000_000)
  }

  private var hasDescriptorToSpare: Bool {
    state.value.statistics.systemCallCount &+= 2
    let any = reactor.port.pointee.mailbox.eventDescriptor
    return state.value.acceptGate.spares(OpenFileLimit.nextDescriptor(like: any))
  }
}
