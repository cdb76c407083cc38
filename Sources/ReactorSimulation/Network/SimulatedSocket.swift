internal import Glibc
package import Reactor

/// A stream socket of a simulation: what the kernel keeps for one, and its system calls. What fails
/// returns an errno.
package final class SimulatedSocket: SocketSubstitute {
  private enum State {
    case fresh, listening, connecting, connected, failed
  }

  let simulation: Simulation
  /// -1: it has none, waiting in a backlog.
  private(set) var descriptor: Int32
  private var state = State.fresh
  private var local: SocketAddress?
  private var peer: SocketAddress?
  private(set) var input: SimulatedStream?
  private(set) var output: SimulatedStream?
  private(set) var isClosed = false
  private(set) var resetsAtClose = false
  /// What the next call that can fail says, once.
  private var pendingError: Int32 = 0
  /// Reset, or given up.
  private(set) var isBroken = false
  private var attemptCount = 0
  private var windowByteCount: Int?
  private(set) var isPortShared = false
  /// What it has been bound to by itself.
  private(set) var boundAddress: SocketAddress?

  /// Of a listener: connections that wait to be accepted.
  private(set) var backlog: [SimulatedSocket] = []
  private var backlogCountMax = 0
  /// Of a connection in a backlog: since when it has been there.
  private(set) var queuedNanoseconds: Int64 = 0

  /// Who is told of changes, and by what name.
  var watcher: SimulatedBackend?
  var token = EpollToken(bits: 0)

  init(_ simulation: Simulation, descriptor: Int32) {
    self.simulation = simulation
    self.descriptor = descriptor
  }

  package var localAddress: SocketAddress { local ?? .ipv4(0, port: 0) }

  package func peerAddress() throws(SystemError) -> SocketAddress {
    guard state == .connected, let peer, !isBroken else {
      throw SystemError("getpeername", code: ENOTCONN)
    }
    return peer
  }

  package func set(_ option: SocketOption, to value: Int32) {
    switch option {
    case .isPortShared: isPortShared = value != 0
    case .sendBufferByteCount, .receiveBufferByteCount:
      windowByteCount = min(windowByteCount ?? .max, max(1, 2 * Int(value)))
    default: break
    }
  }

  package func bind(to address: SocketAddress) -> Int32 {
    if let code = simulation.scriptedFailure(of: .bind) { return code }
    guard !simulation.isTaken(address, by: self) else { return EADDRINUSE }
    local = simulation.bound(address)
    boundAddress = local
    return 0
  }

  package func takeError() -> Int32 {
    defer { pendingError = 0 }
    return pendingError
  }

  func notify() {
    guard !isClosed else { return }
    watcher?.note(token)
  }

  // MARK: Connecting

  package func listen(backlogCount: Int) -> Int32 {
    // As in Linux, one more than asked for.
    backlogCountMax = max(0, backlogCount) + 1
    guard state != .listening else { return 0 }
    state = .listening
    simulation.listeners.append(self)
    return 0
  }

  /// Begins to connect. On IP networks what becomes of it is never known at once, on Unix sockets
  /// always.
  package func connect(to address: SocketAddress) -> Int32 {
    let outcome = simulation.script.next(.connect)
    if case .fails(let code) = outcome { return code }
    peer = address
    local = local.map { simulation.bound($0) } ?? simulation.ephemeral(like: address)
    if address.isUnix { return connectAtOnce(to: address) }
    var failure: Int32 = 0
    if case .failsLater(let code) = outcome {
      failure = code
    } else if outcome == nil, simulation.chance(.failedConnect) {
      let codes = [ENETUNREACH, EADDRNOTAVAIL, EHOSTUNREACH, EHOSTUNREACH, ETIMEDOUT]
      failure = codes[simulation.number(.failedConnect, 0...codes.count - 1)]
      // These are found out here: there is no route, or no port left.
      if failure == ENETUNREACH || failure == EADDRNOTAVAIL { return failure }
    }
    state = .connecting
    if failure != 0 {
      let time = simulation.nowNanoseconds + 1 + simulation.lateness(.failedConnect)
      simulation.events.add(.outcome(self, failure), atNanoseconds: time)
    } else {
      send(afterNanoseconds: 0)
    }
    return EINPROGRESS
  }

  private func connectAtOnce(to address: SocketAddress) -> Int32 {
    guard let listener = simulation.listener(at: address) else { return ECONNREFUSED }
    guard !listener.isBacklogFull else { return EAGAIN }
    listener.enqueue(self)
    finishConnecting(0)
    return 0
  }

  /// Whether it does not know yet what has become of connecting.
  var isConnecting: Bool { state == .connecting }

  private var isBacklogFull: Bool { backlog.count >= backlogCountMax }

  /// Sends SYN.
  private func send(afterNanoseconds wait: Int64) {
    attemptCount += 1
    let time = simulation.nowNanoseconds + wait + simulation.latency()
    simulation.events.add(.connection(self), atNanoseconds: time)
  }

  /// Its SYN has come to where it was sent.
  func reachListener() {
    guard state == .connecting, !isClosed, let peer else { return }
    let time = simulation.nowNanoseconds + simulation.latency()
    guard let listener = simulation.listener(at: peer) else {
      return simulation.events.add(.outcome(self, ECONNREFUSED), atNanoseconds: time)
    }
    guard !listener.isBacklogFull else {
      guard attemptCount < 6 else { return finishConnecting(ETIMEDOUT) }
      return send(afterNanoseconds: 1_000_000_000 << Int64(attemptCount - 1))
    }
    // Before anything that the listener's side may do from now on.
    simulation.events.add(.outcome(self, 0), atNanoseconds: time)
    listener.enqueue(self)
    input?.arrivesNotBefore(nanoseconds: time)
  }

  /// Joins it with a connection that waits in the backlog from now on.
  private func enqueue(_ client: SimulatedSocket) {
    let other = SimulatedSocket(simulation, descriptor: -1)
    other.windowByteCount = windowByteCount
    other.local = client.peer
    other.peer = client.local
    client.join(other)
    other.queuedNanoseconds = simulation.nowNanoseconds
    backlog.append(other)
    notify()
  }

  /// Makes two ends of one connection. The other one knows of it.
  func join(_ other: SimulatedSocket) {
    let there = simulation.stream(capacity: windowByteCount)
    let back = simulation.stream(capacity: other.windowByteCount)
    (output, other.input, there.writer, there.reader) = (there, there, self, other)
    (other.output, input, back.writer, back.reader) = (back, back, other, self)
    other.state = .connected
  }

  /// It knows what has become of connecting: 0, or an errno.
  func finishConnecting(_ code: Int32) {
    guard state != .connected, !isClosed else { return }
    state = code == 0 ? .connected : .failed
    // It may have been reset since.
    if code != 0 { pendingError = code }
    notify()
  }

  /// Takes a connection out of the backlog and gives it a descriptor.
  func accept() -> (socket: SimulatedSocket?, code: Int32) {
    guard state == .listening, !isClosed else { return (nil, EINVAL) }
    guard let first = backlog.first else { return (nil, EAGAIN) }
    guard let descriptor = simulation.enter(first) else { return (nil, EMFILE) }
    first.descriptor = descriptor
    backlog.removeFirst()
    return (first, 0)
  }

  // MARK: Streaming

  /// What reading would say: bytes, an end (code 0) or an error; nil: nothing yet.
  var canRead: Bool {
    guard let input else { return pendingError != 0 }
    return input.readableCount > 0 || input.hasEndArrived || isBroken
  }

  var readableCount: Int { input?.readableCount ?? 0 }

  /// What has arrived is acknowledged, whether anybody reads it or not.
  package var bytes: SocketBytes {
    SocketBytes(
      acknowledgedByteCount: output.map { Int64($0.arrivedCount) },
      unacknowledgedByteCount: output.map { Int64($0.writtenCount - $0.arrivedCount) },
      unreadByteCount: Int64(readableCount))
  }

  /// Whether it has been reset, or given up, and nobody has been told.
  var hasError: Bool { isBroken && pendingError != 0 }

  /// Returns the bytes read; or 0 at the end, or a negative errno.
  func read(into room: UnsafeMutableRawBufferPointer) -> Int {
    guard let input else { return -Int(ENOTCONN) }
    if input.readableCount > 0 { return unsafe input.read(into: room) }
    if input.hasEndArrived { return 0 }
    if pendingError != 0 { return -Int(takeError()) }
    return isBroken ? 0 : -Int(EAGAIN)
  }

  /// Bytes that writing would take. Negative: an errno.
  var room: Int {
    guard let output else { return -Int(ENOTCONN) }
    if pendingError != 0 { return -Int(takeError()) }
    guard !isBroken, !output.isFinished else { return -Int(EPIPE) }
    return output.room
  }

  /// Whether writing would take something, or fail.
  var canWrite: Bool { isBroken || (output?.room ?? 0) > 0 }

  func write(_ bytes: UnsafeRawBufferPointer) {
    unsafe output?.write(bytes)
  }

  package func shutdownSending() {
    output?.finish()
  }

  /// RST has arrived.
  func noteReset() {
    // As in Linux: behind a FIN, reading has ended already.
    breakDown(input?.hasEndArrived == true ? EPIPE : ECONNRESET)
  }

  /// The kernel gives the connection up.
  func fail(_ code: Int32) {
    breakDown(code)
    input?.cut()
    notify()
  }

  /// The connection breaks at both ends, and this one is told at once. Returns the errno, negative.
  func breakOff(_ code: Int32) -> Int {
    output?.reset()
    input?.dropAll()
    fail(code)
    pendingError = 0
    return -Int(code)
  }

  private func breakDown(_ code: Int32) {
    guard !isClosed, !isBroken else { return }
    isBroken = true
    pendingError = code
  }

  package func resetAtClose() {
    resetsAtClose = true
  }

  func stall(untilNanoseconds time: Int64) {
    input?.stall(untilNanoseconds: time)
  }

  /// Gives the descriptor back. With unread bytes the peer is sent RST.
  package func close(afterDroppingInput: Bool) {
    precondition(!isClosed, "a descriptor is closed once")
    isClosed = true
    watcher = nil
    boundAddress = nil
    simulation.leave(descriptor)
    if state == .listening {
      simulation.removeListener(self)
      for waiting in backlog {
        waiting.isClosed = true
        waiting.output?.reset()
        waiting.letGo()
      }
      backlog.removeAll()
      return
    }
    if afterDroppingInput { input?.dropAll() }
    if resetsAtClose || (input?.readableCount ?? 0) > 0 {
      output?.reset()
      input?.dropAll()
    } else {
      output?.finish()
    }
    letGo()
  }

  /// Nothing that lives on holds it any more.
  func letGo() {
    watcher = nil
    input?.reader = nil
    output?.writer = nil
    for waiting in backlog { waiting.letGo() }
  }
}

extension Socket {
  /// What it is in the calling thread's simulation. Nil: a socket of the kernel.
  package var simulated: SimulatedSocket? { Simulation.current?.simulatedSocket(descriptor) }
}
