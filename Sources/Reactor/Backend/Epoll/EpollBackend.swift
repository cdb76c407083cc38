internal import CURing
internal import Glibc

/// Runs a reactor on epoll: receives as soon as the kernel signals bytes, and sends at once.
///
/// Each connection is registered once, edge-triggered, for both directions, so that it costs no
/// further epoll_ctl. The price is that what has been signalled is to be remembered until it is
/// used up: `EpollConnectionState` does.
final class EpollBackend: Backend {
  let kind = BackendKind.epoll
  let descriptorsPerConnection = 1
  let starvedBufferCount: UInt64 = 0

  let slab: ConnectionSlab
  let configuration: EpollConfiguration

  let hot: ThreadConfined<EpollHotState>
  var listeners = EpollListeners()

  /// `eventDescriptor` is an eventfd: each write to it ends a `wait`. It is never read, since being
  /// edge-triggered it signals each write.
  init(
    configuration: EpollConfiguration, eventDescriptor: Int32, slab: ConnectionSlab
  ) throws(SystemError) {
    self.configuration = configuration
    self.slab = slab
    hot = ThreadConfined(
      EpollHotState(
        set: try EpollSet(eventCountMax: configuration.eventCount),
        receiveBuffer: try EpollReceiveBuffer(byteCount: configuration.receiveBufferByteCount),
        budget: PassBudget(nanoseconds: configuration.deliveryNanosecondsMax)))
    let events = EPOLLIN.rawValue | EPOLLET.rawValue
    try hot.value.set.add(eventDescriptor, events: events, token: .wake)
  }

  deinit { hot.deallocate() }

  var systemCallCount: UInt64 {
    hot.value.set.systemCallCount + hot.value.otherSystemCallCount
  }

  func adopt(_ connection: ConnectionPointer) throws(SystemError) {
    try hot.value.set.add(
      connection.pointee.descriptor, events: EpollSet.connectionEvents,
      token: EpollToken(connection))
    connection.epollState = []
    connection.pointee.flags.insert(.sendsAtOnce)
  }

  /// Registered as it stays: the edge that says it can be written to says that it has connected.
  func connect(_ connection: ConnectionPointer) throws(SystemError) {
    try adopt(connection)
  }

  /// An idle connection already costs the kernel as little as it can.
  func quiesce(_ connection: ConnectionPointer) {}

  /// First come those that an earlier wait had no time for, then what the kernel has to tell, and at
  /// last one turn for each of those that have had one and left something in their sockets.
  func wait(_ bounds: WaitBounds, deliverTo receiver: any CompletionReceiver) {
    hot.value.budget.begin()
    hot.value.isDelivering = true
    let hadClosed = deliverClosed(to: receiver)
    let hadFailed = deliverAcceptFailures(to: receiver)
    let hadOwed = deliverOwed(to: receiver)
    // The kernel is asked in any case, so that nobody is kept from his turn.
    let isBlocking = !hadClosed && !hadFailed && !hadOwed && !hasWork
    let eventCount = isBlocking ? waitForEvents(bounds) : hot.value.set.poll()
    if bounds.coalesceNanoseconds > 0 && (eventCount > 0 || !isBlocking) {
      hot.value.lastWakeNanoseconds = MonotonicClock.nowNanoseconds()
    }
    for position in 0..<eventCount { deliverEvent(at: position, to: receiver) }
    deliverBacklog(to: receiver)
    deliverExamined(to: receiver)
    hot.value.isDelivering = false
  }

  func tearDown() {
    hot.value.set.close()
  }

  @discardableResult
  func trimMemory() -> Bool {
    // The receiver may call this while it looks at received bytes.
    guard !hot.value.isReceiveBufferLent else { return true }
    if hot.value.receiveBuffer.trim() { hot.value.otherSystemCallCount += 1 }
    return hot.value.receiveBuffer.holdsMemory
  }

  /// Whether the next wait has something to do without asking the kernel.
  private var hasWork: Bool {
    hot.value.backlog.count > 0 || hot.value.owed.count > 0 || hot.value.closing.count > 0
      || hot.value.examining.count > 0 || !listeners.failures.isEmpty
  }

  private func waitForEvents(_ bounds: WaitBounds) -> Int {
    if bounds.timeoutNanoseconds == 0 { return hot.value.set.poll() }
    if bounds.timeoutNanoseconds < 0 && bounds.coalesceNanoseconds <= 0 {
      return hot.value.set.wait()
    }

    var now = MonotonicClock.nowNanoseconds()
    let (sum, isOverflowing) = now.addingReportingOverflow(bounds.timeoutNanoseconds)
    let deadline = bounds.timeoutNanoseconds < 0 || isOverflowing ? Int64.max : sum
    if bounds.coalesceNanoseconds > 0 {
      let gathered = min(hot.value.lastWakeNanoseconds + bounds.coalesceNanoseconds, deadline)
      if now < gathered {
        sleep(untilNanoseconds: gathered)
        now = gathered
      }
    }
    return deadline == .max
      ? hot.value.set.wait()
      : hot.value.set.wait(nowNanoseconds: now, untilNanoseconds: deadline)
  }

  /// Lets completions gather, without being woken by the first one.
  private func sleep(untilNanoseconds time: Int64) {
    var until = timespec(nanoseconds: time)
    repeat {
      hot.value.otherSystemCallCount += 1
    } while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nil) == EINTR
  }

  private func deliverEvent(at position: Int, to receiver: any CompletionReceiver) {
    let (token, events) = hot.value.set.event(at: position)
    switch token.kind {
    case .connection:
      guard let connection = slab.record(at: token.index, generation: token.generation) else {
        return
      }
      deliver(events, of: connection, to: receiver)
    case .listener: deliverAccepted(index: Int(token.index), to: receiver)
    case .wake, nil: return
    }
  }

  private func deliver(
    _ events: UInt32, of connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    noteReadable(events, of: connection)
    guard connection.pointee.lifecycle != .connecting else {
      return deliverConnected(events, of: connection, to: receiver)
    }
    // Receiving comes first: after a reset, the first system call gets the error, and the next one
    // nothing.
    let state = connection.epollState
    // A connection that is listed has had its turn in this wait, or is going to have one.
    if state.isSuperset(of: [.isReceiving, .isReadable]) && !state.contains(.isListed) {
      receiveInTurn(on: connection, to: receiver)
    } else if !state.contains(.isReceiving), events & EPOLLERR.rawValue != 0 {
      deliverError(of: connection, to: receiver)
    }
    if events & (EPOLLOUT.rawValue | EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
      deliverSendable(connection, to: receiver)
    }
  }

  private func deliverConnected(
    _ events: UInt32, of connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    guard connection.epollState.isDisjoint(with: .isClosed),
      events & (EPOLLOUT.rawValue | EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
    else { return }
    hot.value.otherSystemCallCount += 1
    receiver.connected(Socket(connection.pointee.descriptor).takeError(), on: connection)
  }
}

/// What an epoll backend touches for each event.
struct EpollHotState: ~Copyable {
  var set: EpollSet
  var receiveBuffer: EpollReceiveBuffer
  /// Whether the receiver has the receive buffer right now.
  var isReceiveBufferLent = false
  /// How long the wait may go on delivering.
  var budget: PassBudget
  var isDelivering = false
  /// Connections with bytes to be read that the kernel will not signal again: those that have had
  /// a turn and left something, or whose bytes are known to cost much.
  var backlog = Deque<EpollToken>()
  /// Those that this wait has put into the backlog: it has had its turn for them.
  var served = Deque<EpollToken>()
  /// Those that were signalled when no time was left.
  var owed = Deque<EpollToken>()
  /// Connections whose `closed` is to be reported.
  var closing = Deque<EpollToken>()
  /// Connections whose `examined` is to be reported.
  var examining = Deque<EpollToken>()
  /// System calls made besides those of `set`.
  var otherSystemCallCount: UInt64 = 0
  /// When a wait last had something to deliver, on the monotonic clock. Kept only with a coalescing
  /// window.
  var lastWakeNanoseconds: Int64 = 0

  init(
    set: consuming EpollSet, receiveBuffer: consuming EpollReceiveBuffer, budget: PassBudget
  ) {
    self.set = set
    self.receiveBuffer = receiveBuffer
    self.budget = budget
  }
}
