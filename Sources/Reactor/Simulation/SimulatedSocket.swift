internal import Glibc

/// A stream socket of a simulation: what the kernel keeps for one, and its system calls. What fails
/// returns an errno.
final class SimulatedSocket {
  private enum State {
    case fresh, listening, connecting, connected, failed
  }

  private unowned let simulation: Simulation
  /// -1: it has none, waiting in a backlog.
  private(set) var descriptor: Int32
  private var state = State.fresh
  private var local: SocketAddress?
  private var peer: SocketAddress?
  private(set) var input: SimulatedStream?
  private(set) var output: SimulatedStream?
  private(set) var isClosed = false
  var resetsAtClose = false
  private var pendingError: Int32 = 0
  /// The peer has reset the connection, and no read has said so yet.
  private var hasResetToReport = false
  private var isBroken = false
  private var attemptCount = 0
  private var windowByteCount: Int?

  /// Of a listener: connections that wait to be accepted.
  private(set) var backlog: [SimulatedSocket] = []
  private var backlogCountMax = 0

  /// Who is told of changes, and by what name.
  weak var watcher: SimulatedBackend?
  var token = EpollToken(bits: 0)

  init(_ simulation: Simulation, descriptor: Int32) {
    self.simulation = simulation
    self.descriptor = descriptor
  }

  var localAddress: SocketAddress { local ?? .ipv4(0, port: 0) }

  func peerAddress() throws(SystemError) -> SocketAddress {
    guard state == .connected, let peer, !isBroken else {
      throw SystemError("getpeername", code: ENOTCONN)
    }
    return peer
  }

  func set(_ option: SocketOption, to value: Int32) {
    guard option == .sendBufferByteCount || option == .receiveBufferByteCount else { return }
    windowByteCount = min(windowByteCount ?? .max, max(1, 2 * Int(value)))
  }

  func bind(to address: SocketAddress) -> Int32 {
    local = simulation.bound(address)
    return 0
  }

  func takeError() -> Int32 {
    defer { pendingError = 0 }
    return pendingError
  }

  func notify() {
    guard !isClosed else { return }
    watcher?.note(token)
  }

  // MARK: Connecting

  func listen(backlogCount: Int) -> Int32 {
    state = .listening
    backlogCountMax = max(1, backlogCount)
    simulation.listeners.append(self)
    return 0
  }

  func connect(to address: SocketAddress) -> Int32 {
    state = .connecting
    peer = address
    local = local.map { simulation.bound($0) } ?? simulation.ephemeral(like: address)
    tryToConnect()
    guard state == .connecting else { return takeError() }
    return EINPROGRESS
  }

  /// Whether it is known what has become of connecting.
  var isConnecting: Bool { state == .connecting }

  private func tryToConnect() {
    attemptCount += 1
    let time = simulation.nowNanoseconds + simulation.latency()
    if time == simulation.nowNanoseconds {
      reachListener()
    } else {
      simulation.events.add(.connection(self), atNanoseconds: time)
    }
  }

  /// Its SYN has come to where it was sent.
  func reachListener() {
    guard state == .connecting, !isClosed, let peer else { return }
    guard let listener = simulation.listener(at: peer) else {
      pendingError = ECONNREFUSED
      state = .failed
      return simulation.tellLater(self)
    }
    guard listener.backlog.count < listener.backlogCountMax else {
      guard attemptCount < 6 else {
        pendingError = ETIMEDOUT
        state = .failed
        return simulation.tellLater(self)
      }
      let wait = Int64(1_000_000_000) << Int64(attemptCount - 1)
      attemptCount += 1
      return simulation.events.add(
        .connection(self), atNanoseconds: simulation.nowNanoseconds + wait)
    }
    let other = SimulatedSocket(simulation, descriptor: -1)
    other.windowByteCount = listener.windowByteCount
    other.local = peer
    other.peer = local
    join(other)
    listener.backlog.append(other)
    listener.notify()
    simulation.tellLater(self)
  }

  /// Makes two ends of one connection.
  func join(_ other: SimulatedSocket) {
    let there = simulation.stream(capacity: windowByteCount)
    let back = simulation.stream(capacity: other.windowByteCount)
    (output, other.input, there.writer, there.reader) = (there, there, self, other)
    (other.output, input, back.writer, back.reader) = (back, back, other, self)
    (state, other.state) = (.connected, .connected)
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
    return input.readableCount > 0 || input.hasEndArrived || hasResetToReport || isBroken
  }

  var readableCount: Int { input?.readableCount ?? 0 }

  /// Returns the bytes read; or 0 at the end, or a negative errno.
  func read(into room: UnsafeMutableRawBufferPointer) -> Int {
    guard let input else { return -Int(ENOTCONN) }
    if input.readableCount > 0 { return unsafe input.read(into: room) }
    if input.hasEndArrived { return 0 }
    if hasResetToReport {
      hasResetToReport = false
      return -Int(ECONNRESET)
    }
    return isBroken ? 0 : -Int(EAGAIN)
  }

  /// Bytes that writing would take. Negative: an errno.
  var room: Int {
    guard let output else { return -Int(ENOTCONN) }
    guard !isBroken else {
      if hasResetToReport {
        hasResetToReport = false
        return -Int(ECONNRESET)
      }
      return -Int(EPIPE)
    }
    guard !output.isFinished else { return -Int(EPIPE) }
    return output.room
  }

  /// Whether writing would take something, or fail.
  var canWrite: Bool { isBroken || (output?.room ?? 0) > 0 }

  func write(_ bytes: UnsafeRawBufferPointer) {
    unsafe output?.write(bytes)
  }

  func shutdownSending() {
    output?.finish()
  }

  /// RST has arrived.
  func noteReset() {
    guard !isBroken else { return }
    isBroken = true
    hasResetToReport = input?.hasEndArrived != true
    output?.dropAll()
  }

  func stall(untilNanoseconds time: Int64) {
    input?.stall(untilNanoseconds: time)
  }

  /// Gives the descriptor back. With unread bytes the peer is sent RST.
  func close(afterDroppingInput: Bool = false) {
    precondition(!isClosed, "a descriptor is closed once")
    isClosed = true
    watcher = nil
    simulation.leave(descriptor)
    if state == .listening {
      simulation.removeListener(self)
      for waiting in backlog {
        waiting.isClosed = true
        waiting.output?.reset()
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
  }
}
