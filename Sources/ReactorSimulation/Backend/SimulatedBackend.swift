internal import CURing
internal import Glibc
internal import Reactor

/// Runs a reactor in a simulation: does what `Backend` promises, in all the ways that it leaves
/// open, as the simulation's faults have it.
@safe final class SimulatedBackend: Backend {
  /// As with epoll, connections have ordinary descriptors.
  let kind = BackendKind.epoll
  let descriptorsPerConnection = 1
  let systemCallCount: UInt64 = 0
  var starvedBufferCount: UInt64 = 0

  let simulation: Simulation
  let slab: ConnectionSlab
  /// By slot.
  var slots: [SimulatedSlot] = []
  var listeners: [SimulatedListening] = []
  /// Connections with something to deliver, each once.
  private var ready: [EpollToken] = []
  var isSignalled = false
  var isSignalOnItsWay = false
  /// Whether there may be something to accept, or a failure to report.
  var hasListenerNews = false
  private(set) var waitCount = 0
  private var lastWakeNanoseconds = Int64.min
  private var isTornDown = false
  /// Received bytes, behind the headroom.
  let buffer: UnsafeMutableRawBufferPointer
  static let bufferByteCount = 65_536
  /// Waits that still deliver what came before a pause.
  static let handedOverWaitCountMax = 2

  init(_ simulation: Simulation, eventDescriptor: Int32, slab: ConnectionSlab) {
    self.simulation = simulation
    self.slab = slab
    unsafe buffer = .allocate(
      byteCount: Reactor.receiveHeadroom + Self.bufferByteCount, alignment: 64)
    simulation.add(self, eventDescriptor: eventDescriptor)
  }

  deinit {
    unsafe buffer.deallocate()
  }

  // MARK: What is ready

  /// Whether a wait would not block.
  var isReady: Bool {
    isSignalled || !ready.isEmpty || hasListenerNews
  }

  func signal() {
    isSignalled = true
    isSignalOnItsWay = false
  }

  /// Something has changed at a socket.
  func note(_ token: EpollToken) {
    guard token.kind == .connection else {
      hasListenerNews = true
      return
    }
    guard isCurrent(token) else { return }
    let index = Int(token.index)
    guard !slots[index].isListed, !slots[index].isOnItsWay else { return }
    guard simulation.chance(.lateCompletion) else { return list(token) }
    slots[index].isOnItsWay = true
    simulation.events.add(
      .completion(self, token),
      atNanoseconds: simulation.nowNanoseconds + 1 + simulation.lateness(.lateCompletion))
  }

  func list(_ token: EpollToken) {
    guard isCurrent(token) else { return }
    slots[Int(token.index)].isOnItsWay = false
    guard !slots[Int(token.index)].isListed else { return }
    slots[Int(token.index)].isListed = true
    ready.append(token)
  }

  func isCurrent(_ token: EpollToken) -> Bool {
    Int(token.index) < slots.count && slots[Int(token.index)].generation == token.generation
      && slots[Int(token.index)].isInUse
  }

  // MARK: Connections

  func adopt(_ connection: ConnectionPointer) throws(SystemError) {
    try enter(connection)
    slots[Int(connection.pointee.index)].isConnected = true
    note(EpollToken(connection))
    simulation.interrupt()
  }

  func connect(_ connection: ConnectionPointer) throws(SystemError) {
    try enter(connection)
    note(EpollToken(connection))
    simulation.interrupt()
  }

  private func enter(_ connection: ConnectionPointer) throws(SystemError) {
    guard let socket = simulation.simulatedSocket(connection.pointee.descriptor) else {
      throw SystemError("adopt", code: EBADF)
    }
    if let code = simulation.scriptedFailure(of: .adopt) { throw SystemError("adopt", code: code) }
    if simulation.chance(.failedAdoption) { throw SystemError("adopt", code: ENOMEM) }
    let index = Int(connection.pointee.index)
    while slots.count <= index { slots.append(SimulatedSlot()) }
    precondition(!slots[index].isInUse, "the slot's connection has not been reported closed")
    slots[index] = SimulatedSlot()
    slots[index].isInUse = true
    slots[index].generation = connection.pointee.generation
    slots[index].socket = socket
    socket.watcher = self
    socket.token = EpollToken(connection)
    if simulation.chance(.sendsAtOnce) { connection.pointee.flags.insert(.sendsAtOnce) }
  }

  func receive(on connection: ConnectionPointer) {
    simulation.count(2, Int(connection.pointee.index))
    let index = Int(connection.pointee.index)
    precondition(slots[index].isConnected && !slots[index].isClosing, "receives on no connection")
    slots[index].isReceiving = true
    slots[index].handedOverCount = 0
    note(EpollToken(connection))
    simulation.interrupt()
  }

  func pauseReceiving(on connection: ConnectionPointer) {
    let index = Int(connection.pointee.index)
    slots[index].isReceiving = false
    if let socket = slots[index].socket, socket.readableCount > 0, simulation.chance(.handedOver) {
      slots[index].handedOverCount = simulation.number(.handedOver, 1...socket.readableCount)
      slots[index].handedOverWaitCount = waitCount
      list(EpollToken(connection))
    }
    simulation.interrupt()
  }

  func quiesce(_ connection: ConnectionPointer) {
    simulation.count(3, Int(connection.pointee.index))
    // From a poll it comes back to whatever way of receiving.
    connection.pointee.flags.remove(.sendsAtOnce)
    simulation.interrupt()
  }

  func examine(_ connection: ConnectionPointer) {
    slots[Int(connection.pointee.index)].examiningWaitCount = waitCount
    list(EpollToken(connection))
    simulation.interrupt()
  }

  @discardableResult
  func trimMemory() -> Bool { false }

  func tearDown() {
    precondition(
      !isTornDown && slots.allSatisfy { !$0.isInUse || $0.isConnecting }, "a connection is left")
    precondition(listeners.allSatisfy { !$0.isAccepting }, "a listener is left")
    isTornDown = true
    // Those that are connecting stay whose they are.
    for slot in slots { slot.socket?.watcher = nil }
    slots.removeAll()
  }

  // MARK: Waiting

  func wait(_ bounds: WaitBounds, deliverTo receiver: any CompletionReceiver) {
    if !simulation.isDriven { sleep(bounds) }
    let isWake = isReady
    waitCount += 1
    isSignalled = false
    // Behind the end of a connection, a new one may get its slot at once.
    let isAcceptingLast = simulation.chance(.reordering)
    if !isAcceptingLast { deliverAccepted(to: receiver) }
    deliverReady(to: receiver)
    if isAcceptingLast { deliverAccepted(to: receiver) }
    if isWake { lastWakeNanoseconds = simulation.nowNanoseconds }
  }

  /// Lets the clock run until there is something to deliver, or the time is over.
  private func sleep(_ bounds: WaitBounds) {
    let (sum, isOverflow) = simulation.nowNanoseconds.addingReportingOverflow(
      bounds.timeoutNanoseconds)
    let deadline = bounds.timeoutNanoseconds < 0 || isOverflow ? Int64.max : sum
    if bounds.coalesceNanoseconds > 0, bounds.timeoutNanoseconds != 0,
      lastWakeNanoseconds > .min
    {
      let gathered = min(lastWakeNanoseconds + bounds.coalesceNanoseconds, deadline)
      while simulation.nowNanoseconds < gathered {
        simulation.advance(
          toNanoseconds: min(
            gathered, max(simulation.nowNanoseconds, simulation.nextEventNanoseconds)))
      }
    }
    simulation.advance(toNanoseconds: simulation.nowNanoseconds)
    while !isReady, simulation.nowNanoseconds < deadline {
      let next = min(deadline, simulation.nextEventNanoseconds)
      precondition(next < .max, "nothing is going to end this wait")
      simulation.advance(toNanoseconds: next)
    }
  }

  private func deliverReady(to receiver: any CompletionReceiver) {
    guard !ready.isEmpty else { return }
    var turn = ready
    ready.removeAll(keepingCapacity: true)
    if turn.count > 1, simulation.chance(.reordering) {
      for last in stride(from: turn.count - 1, to: 0, by: -1) {
        turn.swapAt(last, simulation.number(.reordering, 0...last))
      }
    }
    var count = turn.count
    if simulation.chance(.partialDelivery) {
      count = simulation.number(.partialDelivery, 0...count)
    }
    for position in 0..<count {
      let token = turn[position]
      simulation.interrupt()
      guard isCurrent(token) else { continue }
      slots[Int(token.index)].isListed = false
      deliver(token, to: receiver)
    }
    // The completion queue was full: the rest comes next time.
    for token in turn[count...] where isCurrent(token) { ready.append(token) }
  }

  private func deliver(_ token: EpollToken, to receiver: any CompletionReceiver) {
    let connection = slab.record(at: token.index)
    if slots[Int(token.index)].isClosing {
      guard slots[Int(token.index)].closingWaitCount < waitCount else { return list(token) }
      return deliverClosed(connection, to: receiver)
    }
    guard slots[Int(token.index)].isConnected else {
      return deliverConnected(connection, to: receiver)
    }
    let isSendFirst = simulation.chance(.reordering)
    if isSendFirst { deliverSent(connection, to: receiver) }
    simulation.interrupt()
    // With io_uring each buffer that has been filled is told by itself.
    repeat {
      guard isCurrent(token), !slots[Int(token.index)].isClosing else { break }
      deliverReceived(connection, to: receiver)
      simulation.interrupt()
    } while simulation.chance(.severalReceives)
    if !isSendFirst, isCurrent(token), !slots[Int(token.index)].isClosing {
      deliverSent(connection, to: receiver)
    }
    if isCurrent(token), !slots[Int(token.index)].isClosing {
      deliverExamined(connection, to: receiver)
    }
    guard isCurrent(token), !slots[Int(token.index)].isClosing else { return }
    if hasMore(token) { note(token) }
  }

  private func deliverConnected(
    _ connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    let index = Int(connection.pointee.index)
    guard let socket = slots[index].socket, !socket.isConnecting, !slots[index].hasFailed else {
      return
    }
    var code = socket.takeError()
    // Only now io_uring takes it over.
    if code == 0, simulation.chance(.failedAdoption) { code = ENOMEM }
    simulation.count(4, Int(code))
    slots[index].isConnected = code == 0
    slots[index].hasFailed = code != 0
    receiver.connected(code, on: connection)
  }

  // MARK: Closing

  func close(_ connection: ConnectionPointer, reset: Bool) {
    simulation.count(5, Int(connection.pointee.index))
    let index = Int(connection.pointee.index)
    precondition(slots[index].isInUse && !slots[index].isClosing, "a connection is closed once")
    slots[index].isClosing = true
    slots[index].isReceiving = false
    if let socket = slots[index].socket {
      // A send in flight may still get as far as there is room, or not.
      if !reset, simulation.chance(.sentAtClose) { _ = progress(index) }
      if reset { socket.resetAtClose() }
      socket.close(afterDroppingInput: false)
    }
    connection.pointee.descriptor = -1
    let token = EpollToken(connection)
    slots[index].closingWaitCount = waitCount
    note(token)
    simulation.interrupt()
  }

  private func deliverClosed(_ connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    let index = Int(connection.pointee.index)
    // The kernel may look at the bytes of a send until now.
    checkBytes(index)
    slots[index] = SimulatedSlot()
    simulation.count(7, index)
    receiver.closed(connection)
  }
}

/// What a simulated backend knows of a connection.
struct SimulatedSlot {
  var generation: UInt32 = 0
  var isInUse = false
  var socket: SimulatedSocket?
  var isConnected = false
  var hasFailed = false
  var isConnecting: Bool { !isConnected && !hasFailed && !isClosing }
  var isReceiving = false
  /// The wait before which `examine` was called. Nil: nobody has asked.
  var examiningWaitCount: Int?
  /// Bytes that had come when receiving was paused, and are delivered all the same.
  var handedOverCount = 0
  /// The wait before which it was paused: they come with the next ones, or when it is resumed.
  var handedOverWaitCount = 0
  var hasReceivedEnd = false
  var hasSendFailed = false
  var isClosing = false
  /// The wait in which it was closed, or before which: `closed` comes from a later one.
  var closingWaitCount = 0
  /// Stands in the list of those with something to deliver, or will.
  var isListed = false
  var isOnItsWay = false
  /// `sent` is owed when there is room.
  var isBlocked = false
  /// The next send waits for room, and holds its bytes meanwhile.
  var isFull = false
  var send: SimulatedSend?

  /// Nothing of its queue is going to be sent before the peer reads.
  var waitsForRoom: Bool { isBlocked || send?.waitsForRoom ?? false }
}

/// A send that the kernel has not ended.
@safe struct SimulatedSend {
  /// Where the bytes are, which must stay as they were.
  var vectors: [iovec]
  let bytes: [UInt8]
  /// Of them, how many have been taken.
  var sentCount = 0
  /// Where it ends, all or short.
  let endCount: Int
  /// It was known that there was no room for it.
  var waitsForRoom = false
  /// What it fails with, whatever the socket is like. 0: nothing.
  var failure: Int32 = 0
}
