internal import CURing
internal import Glibc

/// How close a process has been to its limit of open files. It never goes back: what is saved by
/// accepting in crowds is too little.
enum DescriptorSupply: UInt8 {
  case ample
  /// A crowd could use the rest up: connections are accepted one by one.
  case limited
  /// Accepting has had to stop: each connection may be the last one for which there is a
  /// descriptor.
  case scarce
}

/// When to accept: as long as connections leave the rest of the process some descriptors.
extension ReactorLoop {
  /// Descriptors below the limit from which on connections are accepted one by one. At least as many as all
  /// listeners together may hand over at once.
  private static let crowdCount = 4096

  func startAccepting(_ listener: Int) {
    guard let descriptor = listeners.descriptor(ofListener: listener, reactor: reactor.position)
    else { return }
    if descriptorCountMax <= Self.crowdCount { note(.limited) }
    let isOneByOne = state.value.descriptorSupply != .ample
    backend.accept(on: descriptor, index: listener, isOneByOne: isOneByOne)
  }

  package func acceptFailed(_ code: Int32, listener: Int) {
    noteWake()
    // The reactor was stuck, and whoever waited for its end has withdrawn the listener: the stop is
    // what it hears of next.
    guard !listeners.isWithdrawn(ofReactor: reactor.position) else { return }
    hold(listener, code: code)
  }

  /// Tries stopped listeners again, if there is a descriptor for whom they would accept.
  func restartListeners() {
    guard !state.value.stoppedListeners.isEmpty, !state.value.isStopping else { return }
    guard hasDescriptorToSpare else { return scheduleRestart() }
    let stopped = state.value.stoppedListeners
    state.value.stoppedListeners.removeAll(keepingCapacity: true)
    for listener in stopped { startAccepting(listener) }
  }

  /// Stops accepting when the next connection would take a descriptor of the reserve. The numbers
  /// of descriptors tell: the kernel always gives the lowest one that is free.
  func keepReserve(after descriptor: Int32, listener: Int) {
    switch state.value.descriptorSupply {
    case .ample:
      guard Int(descriptor) >= descriptorCountMax - Self.crowdCount else { return }
      note(.limited)
      restartAccepting()
    case .limited:
      guard Int(descriptor) + 1 >= descriptorCountMax else { return }
    case .scarce:
      break
    }
    guard !state.value.stoppedListeners.contains(listener), !hasDescriptorToSpare else { return }
    backend.stopAccepting(index: listener)
    hold(listener, code: EMFILE)
  }

  /// Has all listeners accept in the way that is right now.
  private func restartAccepting() {
    for listener in listeners.listeners(ofReactor: reactor.position)
    where !state.value.stoppedListeners.contains(listener) {
      backend.stopAccepting(index: listener)
      startAccepting(listener)
    }
  }

  private func note(_ supply: DescriptorSupply) {
    if supply.rawValue > state.value.descriptorSupply.rawValue {
      state.value.descriptorSupply = supply
    }
  }

  /// Whether a connection came in the crowd that was accepted before accepting could be stopped,
  /// and keeping it would leave too little.
  func wouldUseUpReserve(_ descriptor: Int32) -> Bool {
    backend.descriptorsPerConnection > 0
      && Int(descriptor) >= descriptorCountMax + reserveCount / 2
  }

  /// Leaves the clients in the backlog for the time being.
  private func hold(_ listener: Int, code: Int32) {
    state.value.statistics.acceptFailureCount &+= 1
    state.value.stoppedListeners.append(listener)
    if code == EMFILE || code == ENFILE { note(.scarce) }
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
    guard let next = OpenFileLimit.nextDescriptor(like: any) else { return false }
    return next < descriptorCountMax
  }

  private var descriptorCountMax: Int { openFileLimit - reserveCount }

  private var reserveCount: Int {
    min(reactor.configuration.reservedDescriptorCount, openFileLimit / 8)
  }

  private var openFileLimit: Int { reactor.openFileLimit }
}
