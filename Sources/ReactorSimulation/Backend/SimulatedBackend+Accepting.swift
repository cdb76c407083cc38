internal import Glibc
internal import Reactor

/// A listener that a simulated backend accepts on.
struct SimulatedListening {
  var isAccepting = false
  var isOneByOne = false
  var socket: SimulatedSocket?
  /// A failure to report.
  var code: Int32 = 0
}

extension SimulatedBackend {
  func accept(on listener: Int32, index: Int, isOneByOne: Bool) {
    while listeners.count <= index { listeners.append(SimulatedListening()) }
    precondition(!listeners[index].isAccepting, "accepting already")
    let socket = simulation.simulatedSocket(listener)
    listeners[index] = SimulatedListening(
      isAccepting: socket != nil, isOneByOne: isOneByOne, socket: socket,
      code: socket == nil ? EBADF : 0)
    socket?.watcher = self
    socket?.token = EpollToken(listener: index)
    hasListenerNews = true
    simulation.interrupt()
  }

  func stopAccepting(index: Int) {
    guard index < listeners.count else { return }
    listeners[index].socket?.watcher = nil
    listeners[index] = SimulatedListening()
  }

  func deliverAccepted(to receiver: any CompletionReceiver) {
    guard hasListenerNews else { return }
    hasListenerNews = false
    for index in listeners.indices {
      let code = listeners[index].code
      if code != 0 {
        listeners[index].code = 0
        receiver.acceptFailed(code, listener: index)
        continue
      }
      deliverAccepted(index, to: receiver)
    }
  }

  private func deliverAccepted(_ index: Int, to receiver: any CompletionReceiver) {
    // What has been accepted already is reported, although the receiver stops accepting meanwhile.
    guard listeners[index].isAccepting, let socket = listeners[index].socket else { return }
    var rest = simulation.chance(.partialDelivery) ? 1 : DeliveryLimits.acceptCountMax
    while rest > 0 {
      guard listeners[index].isAccepting, listeners[index].socket === socket,
        !socket.backlog.isEmpty
      else { return }
      if let code = failure() { return fail(index, code, receiver) }
      let crowd = acceptCrowd(index, socket, countMax: rest)
      rest -= max(1, crowd.descriptors.count)
      for descriptor in crowd.descriptors {
        simulation.count(15, Int(descriptor - Kernel.firstSubstituteDescriptor))
        receiver.accepted(descriptor, listener: index)
        simulation.interrupt()
      }
      if crowd.code == EAGAIN { return }
      guard crowd.code == 0 else {
        guard listeners[index].isAccepting else { return }
        return fail(index, crowd.code, receiver)
      }
    }
    hasListenerNews = true
  }

  /// What accepting fails with, if it does.
  private func failure() -> Int32? {
    if let code = simulation.scriptedFailure(of: .accept) { return code }
    guard simulation.chance(.failedAccept) else { return nil }
    let codes = [EMFILE, ENFILE, ENOBUFS, ENOMEM]
    return codes[simulation.number(.failedAccept, 0...codes.count - 1)]
  }

  /// One connection, or several before any of them is reported.
  private func acceptCrowd(
    _ index: Int, _ socket: SimulatedSocket, countMax: Int
  ) -> (descriptors: [Int32], code: Int32) {
    let isCrowd =
      !listeners[index].isOneByOne && simulation.chance(.reordering)
    var descriptors: [Int32] = []
    repeat {
      let (accepted, code) = socket.accept()
      guard let accepted else { return (descriptors, code) }
      descriptors.append(accepted.descriptor)
    } while isCrowd && descriptors.count < countMax
    return (descriptors, 0)
  }

  private func fail(_ index: Int, _ code: Int32, _ receiver: any CompletionReceiver) {
    stopAccepting(index: index)
    simulation.count(16, Int(code))
    receiver.acceptFailed(code, listener: index)
  }
}
