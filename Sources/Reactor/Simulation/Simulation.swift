internal import CURing
internal import Glibc

/// A world without a kernel for one thread: sockets in memory, a clock that stands still until
/// there is nothing left to do, and one seed for all that is left to chance. As long as a
/// simulation is a thread's `current`, everything that the thread asks the system for comes from
/// here, and reactors that it starts get no threads.
///
/// The same seed and the same calls give the same course, to the last byte.
@safe package final class Simulation {
  /// Beyond every descriptor that the kernel gives: one that is passed to a system call is refused.
  static let firstDescriptor: Int32 = 1 << 30

  package private(set) var nowNanoseconds: Int64 = 1_000_000_000_000
  package var faults: SimulatedFaults
  /// For the kernel and the network.
  package var random: SimulatedRandom
  private var entropy: SimulatedRandom
  /// Open files that there may be.
  package var descriptorCountMax = 20_000

  var events = SimulatedEvents()
  var listeners: [SimulatedSocket] = []
  private var sockets: [SimulatedSocket?] = []
  private var lowestFree = 0
  private var nextPort: UInt16 = 32_768
  private var backends: [(eventDescriptor: Int32, backend: SimulatedBackend)] = []
  var reactors: [SimulatedReactor] = []
  /// Whether reactors wait by themselves, so that a wait moves the clock.
  var isDriven: Bool { !reactors.isEmpty }

  /// Called now and then in the middle of what a reactor does, as if by another thread.
  package var interruption: (() -> Void)?
  private var isInterrupted = false

  /// What has happened so far.
  package private(set) var eventCount = 0
  /// Of all that has happened, in its order.
  package private(set) var digest: UInt64 = 0
  /// What must not happen, in words. The first one is what counts.
  package private(set) var violations: [String] = []

  package init(seed: UInt64, faults: SimulatedFaults = SimulatedFaults()) {
    random = SimulatedRandom(seed: seed)
    entropy = SimulatedRandom(seed: seed ^ 0xE17A_0F5E)
    self.faults = faults
  }

  /// The calling thread's.
  package static var current: Simulation? {
    @inline(__always) get {
      guard let pointer = unsafe martlet_thread_simulation() else { return nil }
      return unsafe Unmanaged<Simulation>.fromOpaque(pointer).takeUnretainedValue()
    }
  }

  /// Calls `body` with this as the thread's simulation.
  package func run<Result, Failure>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let before = unsafe martlet_thread_simulation()
    unsafe martlet_thread_set_simulation(Unmanaged.passUnretained(self).toOpaque())
    defer { unsafe martlet_thread_set_simulation(before) }
    return try body()
  }

  var backendDecision: BackendDecision {
    BackendDecision(kind: .simulated, reason: "the thread runs a simulation")
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
    faults.latencyNanoseconds > 0 ? Int64(random.number(0...faults.latencyNanoseconds)) : 0
  }

  func lateness() -> Int64 { Int64(random.number(0...max(0, faults.latenessNanoseconds))) }

  /// When the network or the kernel next does something by itself. Max: never.
  var nextEventNanoseconds: Int64 { events.nextNanoseconds }

  /// Lets time pass, and all happen that comes meanwhile.
  package func advance(toNanoseconds time: Int64) {
    nowNanoseconds = max(nowNanoseconds, time)
    while let event = events.takeDue(atNanoseconds: nowNanoseconds) {
      switch event {
      case .arrival(let stream): stream.arrive()
      case .connection(let socket): socket.reachListener()
      case .outcome(let socket): socket.notify()
      case .completion(let backend, let token): backend.list(token)
      case .signal(let descriptor): deliverSignal(descriptor)
      }
    }
  }

  /// A place where other threads may come in between.
  @inline(__always)
  func interrupt() {
    if faults.interruption > 0, interruption != nil { interruptNow() }
  }

  private func interruptNow() {
    guard !isInterrupted, random.chance(faults.interruption) else { return }
    isInterrupted = true
    defer { isInterrupted = false }
    let (number, loop, handler) = unsafe (
      martlet_thread_reactor_number(), martlet_thread_loop(), martlet_thread_handler()
    )
    martlet_thread_set(0, nil, nil)
    interruption?()
    unsafe martlet_thread_set(number, loop, handler)
  }

  // MARK: Descriptors

  var descriptorLimit: Int { Int(Self.firstDescriptor) + descriptorCountMax }

  /// The lowest that is free.
  var nextDescriptor: Int32? {
    lowestFree < descriptorCountMax ? Self.firstDescriptor + Int32(lowestFree) : nil
  }

  package var openDescriptorCount: Int { sockets.count { $0 != nil } }

  func socket(_ descriptor: Int32) -> SimulatedSocket? {
    let index = Int(descriptor - Self.firstDescriptor)
    return index >= 0 && index < sockets.count ? sockets[index] : nil
  }

  func openSocket() throws(SystemError) -> SimulatedSocket {
    if random.chance(faults.failedAdoption) { throw SystemError("socket", code: ENOBUFS) }
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

  fileprivate func anyConnected(_ number: Int) -> SimulatedSocket? {
    let connected = sockets.compactMap { $0?.output == nil ? nil : $0 }
    return connected.isEmpty ? nil : connected[number % connected.count]
  }

  func leave(_ descriptor: Int32) {
    guard descriptor >= Self.firstDescriptor else { return }
    let index = Int(descriptor - Self.firstDescriptor)
    sockets[index] = nil
    lowestFree = min(lowestFree, index)
  }

  // MARK: Addresses

  func bound(_ address: SocketAddress) -> SocketAddress {
    switch address {
    case .ipv4(let number, 0): .ipv4(number, port: takePort())
    case .ipv6(let number, 0, let scope): .ipv6(number, port: takePort(), scope: scope)
    default: address
    }
  }

  func ephemeral(like address: SocketAddress) -> SocketAddress {
    switch address {
    case .ipv4: .ipv4(0x7F00_0001, port: takePort())
    case .ipv6: .ipv6(1, port: takePort())
    default: .unixUnnamed
    }
  }

  private func takePort() -> UInt16 {
    defer { nextPort = nextPort == 60_999 ? 32_768 : nextPort + 1 }
    return nextPort
  }

  /// Who listens at an address; of several, any.
  func listener(at address: SocketAddress) -> SimulatedSocket? {
    let candidates = listeners.filter { listener in
      if listener.localAddress == address { return true }
      guard let port = address.port, listener.localAddress.port == port else { return false }
      return switch listener.localAddress {
      case .ipv4(0, _), .ipv6(0, _, _): true
      default: false
      }
    }
    guard !candidates.isEmpty else { return nil }
    return candidates[candidates.count == 1 ? 0 : random.number(0...candidates.count - 1)]
  }

  func removeListener(_ listener: SimulatedSocket) {
    listeners.removeAll { $0 === listener }
  }

  func stream(capacity: Int?) -> SimulatedStream {
    let range = faults.windowByteCounts
    let usual = range.count == 1 ? range.lowerBound : random.number(range)
    return SimulatedStream(self, capacity: min(capacity ?? .max, usual))
  }

  /// Tells a socket what has become of its connecting.
  func tellLater(_ socket: SimulatedSocket) {
    let time = nowNanoseconds + latency()
    guard time > nowNanoseconds else { return socket.notify() }
    events.add(.outcome(socket), atNanoseconds: time)
  }

  /// Two connected sockets.
  func pair() throws(SystemError) -> (Socket, Socket) {
    let one = try openSocket()
    let other = try openSocket()
    one.join(other)
    return (Socket(one.descriptor), Socket(other.descriptor))
  }

  // MARK: Wakes

  func add(_ backend: SimulatedBackend, eventDescriptor: Int32) {
    backends.removeAll { $0.eventDescriptor == eventDescriptor }
    backends.append((eventDescriptor, backend))
  }

  /// What a write to an eventfd does.
  func signal(_ descriptor: Int32) {
    guard random.chance(faults.lateWake) else { return deliverSignal(descriptor) }
    for entry in backends where entry.eventDescriptor == descriptor {
      entry.backend.isSignalOnItsWay = true
    }
    events.add(.signal(descriptor), atNanoseconds: nowNanoseconds + 1 + lateness())
  }

  private func deliverSignal(_ descriptor: Int32) {
    for entry in backends where entry.eventDescriptor == descriptor { entry.backend.signal() }
  }

  /// Forgets all, so that nothing keeps anything alive.
  package func end() {
    events.removeAll()
    backends.removeAll()
    reactors.removeAll()
    sockets.removeAll()
    listeners.removeAll()
    interruption = nil
  }
}

// MARK: What may happen to connections from outside
extension Simulation {
  /// Resets any connection, as a router does that has forgotten it: both ends are told.
  package func resetConnection(_ number: Int) {
    guard let socket = anyConnected(number) else { return }
    socket.output?.reset()
    socket.input?.reset()
  }

  /// Holds back what any connection is being sent, for so long.
  package func stallConnection(_ number: Int, nanoseconds: Int64) {
    anyConnected(number)?.stall(untilNanoseconds: nowNanoseconds + nanoseconds)
  }
}
