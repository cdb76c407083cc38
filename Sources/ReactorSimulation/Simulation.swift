internal import CURing
internal import Glibc
package import Reactor

/// A world without a kernel for one thread: sockets in memory, a clock that stands still until
/// there is nothing left to do, and one seed for all that is left to chance. As long as a
/// simulation is a thread's `current`, everything that the thread asks the system for comes from
/// here, and reactors that it starts get no threads.
///
/// The same seed and the same calls give the same course, to the last byte.
@safe package final class Simulation: KernelSubstitute {
  package private(set) var nowNanoseconds: Int64 = 1_000_000_000_000
  /// What happens by chance, and how often.
  package var faults: SimulatedFaults
  /// What happens to single calls, whatever chance says.
  package var script = SimulatedScript()
  var choices: SimulatedChoices
  private var entropy: SimulatedRandom
  /// Open files that there may be.
  package var descriptorCountMax = 20_000

  var events = TimeQueue<SimulatedEvent>()
  var listeners: [SimulatedSocket] = []
  private(set) var sockets: [SimulatedSocket?] = []
  private var lowestFree = 0
  var nextPort: UInt16 = 32_768
  private var backends: [(eventDescriptor: Int32, backend: SimulatedBackend)] = []
  var reactors: [SimulatedReactor] = []
  /// Whether reactors wait by themselves, so that a wait moves the clock.
  var isDriven: Bool { !reactors.isEmpty }

  /// Called now and then in the middle of what a reactor does, as if by another thread.
  package var interruption: (() -> Void)?
  private var isInterrupted = false
  /// A thread that is no reactor's stands still in the middle of a call.
  package private(set) var isPreempted = false
  /// A reactor is in the middle of something.
  var isStepping = false

  /// What has happened so far.
  package private(set) var eventCount = 0
  /// Of all that has happened, in its order.
  package private(set) var digest: UInt64 = 0
  /// What must not happen, in words. The first one is what counts.
  package private(set) var violations: [String] = []

  package init(seed: UInt64, faults: SimulatedFaults = SimulatedFaults()) {
    choices = SimulatedChoices(seed: seed)
    entropy = SimulatedRandom(seed: seed ^ 0xE17A_0F5E)
    self.faults = faults
  }

  /// The calling thread's.
  package static var current: Simulation? { Kernel.substitute as? Simulation }

  /// Calls `body` with this as the thread's simulation.
  package func run<Result, Failure>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try Kernel.run(with: self, body)
  }

  package func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    for index in bytes.indices {
      unsafe bytes[index] = UInt8(truncatingIfNeeded: entropy.next())
    }
  }

  // MARK: What happens

  /// Notes that something has happened.
  @inline(__always)
  func count(_ kind: Int, _ value: Int) {
    eventCount &+= 1
    digest = (digest ^ UInt64(truncatingIfNeeded: value &* 31 &+ kind)) &* 0x0000_0100_0000_01B3
    digest ^= digest >> 29
  }

  package func report(violation: String) {
    if violations.count < 20 { violations.append(violation) }
  }

  /// Nanoseconds that something takes on its way.
  func latency() -> Int64 {
    faults.latencyNanoseconds > 0 ? Int64(number(.latency, 0...faults.latencyNanoseconds)) : 0
  }

  /// Nanoseconds that something takes longer than it has to.
  func lateness(_ choice: SimulatedChoice) -> Int64 {
    Int64(number(choice, 0...max(0, faults.latenessNanoseconds)))
  }

  /// When the network or the kernel next does something by itself. Max: never.
  var nextEventNanoseconds: Int64 { events.nextNanoseconds }

  /// Lets time pass, and all happen that comes meanwhile.
  package func advance(toNanoseconds time: Int64) {
    nowNanoseconds = max(nowNanoseconds, time)
    while let event = events.takeDue(atNanoseconds: nowNanoseconds) {
      switch event {
      case .arrival(let stream): stream.arrive()
      case .connection(let socket): socket.reachListener()
      case .outcome(let socket, let code): socket.finishConnecting(code)
      case .failure(let socket, let code): socket.fail(code)
      case .completion(let backend, let token): backend.list(token)
      case .signal(let descriptor): deliverSignal(descriptor)
      case .call(let body): body()
      }
    }
  }

  /// Has something be done at a time, as if by another thread or program.
  package func perform(atNanoseconds time: Int64, _ body: @escaping () -> Void) {
    events.add(.call(body), atNanoseconds: max(nowNanoseconds, time))
  }

  /// A place where other threads may come in between.
  @inline(__always)
  func interrupt() {
    if interruption != nil, !isInterrupted { interruptNow() }
  }

  private func interruptNow() {
    guard script.next(.interruption) != nil || chance(.interruption) else { return }
    isInterrupted = true
    defer { isInterrupted = false }
    let (number, loop, handler) = unsafe (
      martlet_thread_reactor_number(), martlet_thread_loop(), martlet_thread_handler()
    )
    martlet_thread_set(0, nil, nil)
    interruption?()
    unsafe martlet_thread_set(number, loop, handler)
  }

  /// A place where a thread that is no reactor's may stand still, between what it has looked at and
  /// what it does about it: as long as that, reactors and the network go on.
  package func preempt() {
    guard isDriven, !isInterrupted, !isStepping, chance(.preemption) else { return }
    // Nor does another thread come in between: to a model all that are no reactor's are one.
    (isInterrupted, isPreempted) = (true, true)
    defer { (isInterrupted, isPreempted) = (false, false) }
    let limit = nowNanoseconds + Int64(number(.preemption, 0...200_000_000))
    while nowNanoseconds < limit, violations.isEmpty {
      if !step(untilNanoseconds: limit) { break }
    }
  }

  // MARK: Descriptors

  package var descriptorLimit: Int { Int(Kernel.firstSubstituteDescriptor) + descriptorCountMax }

  /// The lowest that is free.
  package var nextDescriptor: Int32? {
    lowestFree < descriptorCountMax ? Kernel.firstSubstituteDescriptor + Int32(lowestFree) : nil
  }

  package var openDescriptorCount: Int { sockets.count { $0 != nil } }

  package func socket(_ descriptor: Int32) -> (any SocketSubstitute)? {
    simulatedSocket(descriptor)
  }

  package func simulatedSocket(_ descriptor: Int32) -> SimulatedSocket? {
    let index = Int(descriptor) - Int(Kernel.firstSubstituteDescriptor)
    return index >= 0 && index < sockets.count ? sockets[index] : nil
  }

  package func openSocket() throws(SystemError) -> Int32 {
    try openSimulatedSocket().descriptor
  }

  func openSimulatedSocket() throws(SystemError) -> SimulatedSocket {
    if let code = scriptedFailure(of: .openSocket) { throw SystemError("socket", code: code) }
    if chance(.failedSocket) { throw SystemError("socket", code: ENOBUFS) }
    guard let descriptor = nextDescriptor else { throw SystemError("socket", code: EMFILE) }
    let socket = SimulatedSocket(self, descriptor: descriptor)
    _ = enter(socket)
    return socket
  }

  /// Gives a socket a descriptor. Nil: there is none left.
  func enter(_ socket: SimulatedSocket) -> Int32? {
    guard let descriptor = nextDescriptor else { return nil }
    if lowestFree == sockets.count { sockets.append(nil) }
    sockets[lowestFree] = socket
    while lowestFree < sockets.count, sockets[lowestFree] != nil { lowestFree += 1 }
    return descriptor
  }

  func leave(_ descriptor: Int32) {
    guard descriptor >= Kernel.firstSubstituteDescriptor else { return }
    let index = Int(descriptor - Kernel.firstSubstituteDescriptor)
    sockets[index] = nil
    lowestFree = min(lowestFree, index)
  }

  // MARK: Reactors

  package func makeBackend(eventDescriptor: Int32, slab: ConnectionSlab) -> any Backend {
    SimulatedBackend(self, eventDescriptor: eventDescriptor, slab: slab)
  }

  package func run(_ loop: ReactorLoop) {
    let reactor = SimulatedReactor(loop)
    reactors.append(reactor)
    reactor.begin()
  }

  /// No time passes while a simulated reactor works.
  package func spendsBudget() -> Bool { chance(.spentBudget) }

  func add(_ backend: SimulatedBackend, eventDescriptor: Int32) {
    backends.removeAll { $0.eventDescriptor == eventDescriptor }
    backends.append((eventDescriptor, backend))
  }

  /// What a write to an eventfd does.
  package func signal(_ descriptor: Int32) {
    guard chance(.lateWake) else { return deliverSignal(descriptor) }
    for entry in backends where entry.eventDescriptor == descriptor {
      entry.backend.isSignalOnItsWay = true
    }
    events.add(.signal(descriptor), atNanoseconds: nowNanoseconds + 1 + lateness(.lateWake))
  }

  private func deliverSignal(_ descriptor: Int32) {
    for entry in backends where entry.eventDescriptor == descriptor { entry.backend.signal() }
  }

  /// Forgets all, so that nothing keeps anything alive.
  package func end() {
    events.removeAll()
    backends.removeAll()
    reactors.removeAll()
    for socket in sockets { socket?.letGo() }
    sockets.removeAll()
    listeners.removeAll()
    interruption = nil
  }
}
