internal import CURing
internal import Glibc
internal import Synchronization

/// One reactor's thread: waits for completions, hands them to the handler, and flushes what there
/// is to send.
///
/// A pass: take in what other threads have posted; serve deadlines; start the sends of all
/// connections that have something to send; then submit, wait and deliver in one call to the
/// backend.
@safe package final class ReactorLoop {
  package let reactor: Reactor
  package let handler: any ConnectionHandler
  let listeners: ListenerSet
  package let backend: any Backend
  /// A pass that takes this long is told of. Max: none is.
  let slowPassNanoseconds: Int64
  let state: ThreadConfined<ReactorState>

  init(reactor: Reactor, handler: any ConnectionHandler, listeners: ListenerSet) {
    self.reactor = reactor
    self.handler = handler
    self.listeners = listeners
    backend = reactor.backend
    let slow = reactor.configuration.slowPassMilliseconds
    slowPassNanoseconds = slow > 0 ? Reactor.nanoseconds(milliseconds: slow) : .max
    state = reactor.state
  }

  /// Runs until the reactor has been stopped and its last connection is gone.
  func run() {
    begin()
    while !isDone { wait(prepare()) }
    tearDown()
  }

  package func begin() {
    updateTime()
    notePassStart()
    for listener in listeners.listeners(ofReactor: reactor.position) { startAccepting(listener) }
  }

  // MARK: The pass

  /// All of a pass but its wait. `interruption` is called where other threads may come in between:
  /// a simulation makes use of it. Returns how long the wait may be.
  @inline(__always)
  package func prepare(_ interruption: () -> Void = {}) -> WaitBounds {
    takePosted()
    interruption()
    if state.value.unflushedCountBeforeOffer == 0, reactor.offersMuch { letPublishersGoOn() }
    serveDeadlines()
    interruption()
    offerTopics()
    flushDirty()
    publish()
    notePassEnd()
    interruption()
    var bounds = WaitBounds(
      timeoutNanoseconds: timeoutNanoseconds,
      coalesceNanoseconds: Int64(reactor.configuration.coalescingWindowMicroseconds) * 1000)
    if bounds.timeoutNanoseconds != 0, !reactor.port.pointee.mailbox.prepareToSleep() {
      bounds.timeoutNanoseconds = 0
    }
    return bounds
  }

  /// The rest of a pass.
  package func wait(_ bounds: WaitBounds) {
    state.value.isWaiting = true
    state.value.waitNanoseconds = bounds.timeoutNanoseconds
    backend.wait(bounds, deliverTo: self)
    noteWake()
    state.value.statistics.wakeCount &+= 1
  }

  /// Takes what has been posted, as far as there is time. The rest comes in the next passes, in its
  /// order, before anything that is still in the mailbox.
  func takePosted() {
    if unsafe state.value.taken == nil {
      if !state.value.ownPostTargets.isEmpty {
        state.value.takenTargets = state.value.ownPostTargets
        state.value.ownPostTargets = []
      }
      unsafe state.value.taken = reactor.port.pointee.mailbox.takeAll()
    }
    state.value.budget.begin()
    while let entry = unsafe state.value.taken {
      guard state.value.budget.allowsAnother() else { return }
      unsafe state.value.taken = entry.pointee.next
      unsafe entry.pointee.next = nil
      state.value.statistics.postedCount &+= 1
      unsafe take(entry)
    }
    guard !state.value.takenTargets.isEmpty else { return }
    let targets = state.value.takenTargets
    state.value.takenTargets = []
    reactor.forgetOwnPosts(to: targets)
  }

  private func take(_ entry: MailboxEntryPointer) {
    // A job or a mark has arrived. A message is on its way until it is where it belongs, since what
    // makes room for it may have a completion that sends: its connection knows (`forgetOwnPosts`).
    if unsafe entry.pointee.isOwnPost { state.value.ownPostCount -= 1 }
    // An entry for another reactor was posted to the one that had the port before, by a thread that has been slow
    // about it.
    let isOurs = unsafe entry.pointee.reactorNumber == reactor.number
    switch unsafe entry.pointee.kind {
    case .chunk: unsafe take(entry.chunk, isOurs: isOurs)
    case .job:
      let job = unsafe entry.job.pointee.job
      unsafe entry.destroy()
      job(isOurs ? .run : .gone)
    case .mark:
      if isOurs { unsafe reactor.takeMark(of: entry.mark.pointee.log, entry.mark.pointee.end) }
      unsafe entry.destroy()
    }
  }

  private func take(_ chunk: OutboundChunkPointer, isOurs: Bool) {
    let index = unsafe chunk.pointee.connectionIndex
    // At the end: what other threads count as posted must count as queued first, or they would take
    // a full queue for empty.
    let byteCount = unsafe chunk.pointee.end
    let generation = unsafe chunk.pointee.generation
    let number = unsafe chunk.pointee.entry.reactorNumber
    defer {
      let cell = reactor.port.cell(at: index)
      cell?.pointee.subtractPosted(byteCount, generation: generation, ofReactor: number)
    }
    guard isOurs,
      let connection = reactor.slab.record(at: index, generation: generation),
      connection.pointee.lifecycle == .open
    else { return unsafe reactor.release(chunk, .closed) }
    state.value.postedIndex = index
    unsafe handler.posted(PostedChunk(chunk), on: connection)
    state.value.postedIndex = ConnectionRecord.noIndex
    if connection.pointee.queuedByteCount >= reactor.configuration.queue.backpressureByteCount {
      publishQueue(of: connection)
    }
  }

  /// As far as there is time: those that are left are served in the next passes.
  private func serveDeadlines() {
    state.value.budget.begin()
    state.value.hasMoreDue = false
    while true {
      guard state.value.budget.allowsAnother() else {
        state.value.hasMoreDue = true
        break
      }
      guard let connection = state.value.wheel.nextExpired(upTo: state.value.nowTick) else { break }
      guard !look(at: connection) else { continue }
      switch connection.pointee.lifecycle {
      case .open, .connecting: handler.expired(connection)
      case .free, .finishing, .lingering, .closing: break
      }
    }
    runDelayedJobs()
    if state.value.realNanoseconds >= state.value.resetNanoseconds { resetRemaining() }
    if state.value.realNanoseconds >= state.value.housekeepingNanoseconds { keepHouse() }
  }

  /// First of all in each completion. The first one after a wait finds the time of before it, which
  /// may be long ago: a deadline counted from there would come too early.
  @inline(__always)
  func noteWake() {
    if state.value.isWaiting { wake() }
  }

  private func wake() {
    state.value.isWaiting = false
    reactor.port.pointee.mailbox.hasWoken()
    updateTime()
    notePassStart()
  }

  /// The loop of the calling thread.
  static var current: ReactorLoop? {
    unsafe martlet_thread_loop().map {
      unsafe Unmanaged<ReactorLoop>.fromOpaque($0).takeUnretainedValue()
    }
  }

  /// So much longer than it was to wait, a pass may take by itself, or a machine be busy.
  private static let absenceNanosecondsMin: Int64 = 100_000_000

  /// Time in which this thread did not look at its connections is not counted against them: the
  /// process was stopped, the machine suspended, a handler blocked. What they have sent meanwhile has
  /// not been read, and they have not been pinged.
  private func updateTime() {
    let real = MonotonicClock.nowNanoseconds() - state.value.startNanoseconds
    var elapsed = real - state.value.realNanoseconds
    state.value.realNanoseconds = real
    if state.value.waitNanoseconds >= 0 {
      let (longest, isOverflow) = state.value.waitNanoseconds.addingReportingOverflow(
        Self.absenceNanosecondsMin)
      if !isOverflow { elapsed = min(elapsed, longest) }
    }
    state.value.nowNanoseconds += elapsed
    state.value.nowTick = UInt32(
      truncatingIfNeeded: state.value.nowNanoseconds / TimerWheel.nanosecondsPerTick)
  }

  /// 0 if there is work left; else until the next deadline; negative if there is none.
  private var timeoutNanoseconds: Int64 {
    // Whoever subscribes from a completion comes behind this pass's offering.
    guard state.value.dirty.isEmpty, state.value.unflushed.count == 0,
      reactor.topics.value.dirty.isEmpty, unsafe state.value.taken == nil, !state.value.hasMoreDue,
      !isDone
    else { return 0 }
    let real = state.value.realNanoseconds
    var next = min(state.value.housekeepingNanoseconds, state.value.resetNanoseconds)
    next = min(next, state.value.delayedJobs.nextNanoseconds)
    var wait = next == .max ? Int64.max : max(0, next - real)
    if let ticks = state.value.wheel.ticksToNext {
      // The wheel has been turned to this tick. Its own count wraps, time does not.
      let tick = state.value.nowNanoseconds / TimerWheel.nanosecondsPerTick + Int64(ticks)
      let deadline = tick * TimerWheel.nanosecondsPerTick
      wait = min(wait, max(0, deadline - state.value.nowNanoseconds))
    }
    return wait == .max ? -1 : wait
  }

  // MARK: Sending

  /// Starts sending what a connection has to send, unless a send is in flight, which then goes on
  /// with the rest.
  ///
  /// Not what is added meanwhile: completions may add more for ever, and a peer that reads as fast
  /// would have the reactor to itself. Whatever adds bytes marks the connection for the next pass.
  func flush(_ connection: ConnectionPointer) {
    connection.pointee.flags.remove(.isDirty)
    if connection.pointee.flags.contains(.isSending) { return publishQueue(of: connection) }
    if reactor.isSubscribed(connection) { referTopics(connection) }
    var rest = connection.pointee.queuedByteCount
    while rest > 0, !connection.pointee.flags.contains(.isSending),
      connection.pointee.lifecycle != .closing,
      let batch = unsafe connection.gather(into: reactor.vectors)
    {
      state.value.statistics.sendCount &+= 1
      switch backend.send(batch, on: connection) {
      case .handed(let byteCount):
        rest -= byteCount
        consume(byteCount, on: connection)
        if byteCount < batch.byteCount, !connection.pointee.flags.contains(.isSending) {
          withdrawTopics(connection)
        }
      case .blocked(let byteCount):
        connection.pointee.flags.insert(.isSending)
        consume(byteCount, on: connection)
        withdrawTopics(connection)
      case .pending(let byteCount):
        connection.pointee.flags.insert(.isSending)
        consume(byteCount, on: connection)
      case .failed(let code):
        reactor.end(connection, code: code, reset: false)
      }
    }
    if connection.pointee.queuedByteCount == 0 {
      if connection.pointee.flags.contains(.hasPublishedQueue) { publishQueue(of: connection) }
      queueEmptied(connection)
    } else if connection.pointee.queuedByteCount
      >= reactor.configuration.queue.backpressureByteCount
    {
      publishQueue(of: connection)
    }
  }

  private func consume(_ byteCount: Int, on connection: ConnectionPointer) {
    guard byteCount > 0 else { return }
    reactor.countSent(byteCount, on: connection)
    let completed = unsafe connection.consume(byteCount, pool: &state.value.pool)
    _ = unsafe reactor.releaseAll(completed, .sent)
  }

  /// A send that waits for room holds what it is to send, for as long as the peer likes: of topics no more
  /// than what has been begun.
  private func referTopics(_ connection: ConnectionPointer) {
    if reactor.isKnownFull(connection) {
      withdrawTopics(connection)
    } else {
      reactor.refer(connection, handler)
    }
  }

  /// The socket is full: what is still to be sent of topics goes back to where it came from.
  private func withdrawTopics(_ connection: ConnectionPointer) {
    guard reactor.isSubscribed(connection), connection.pointee.lifecycle == .open else { return }
    reactor.withdraw(connection)
  }

  private func queueEmptied(_ connection: ConnectionPointer) {
    guard !connection.pointee.flags.contains(.isSending) else { return }
    switch connection.pointee.lifecycle {
    case .open:
      if reactor.owesTopics(connection) { return reactor.markDirty(connection) }
      guard connection.pointee.flags.contains(.owesDrained) else { return }
      connection.pointee.flags.remove(.owesDrained)
      handler.drained(connection)
    case .finishing:
      linger(connection)
    case .free, .connecting, .lingering, .closing:
      break
    }
  }

  /// All is sent: FIN, and then what the peer still sends is dropped until its own FIN. Closing
  /// with unread bytes would make the kernel send RST, and the peer might lose the last of what it
  /// was sent.
  private func linger(_ connection: ConnectionPointer) {
    guard !connection.pointee.flags.contains(.hasReceivedEnd) else {
      return reactor.end(connection, code: 0, reset: false)
    }
    connection.pointee.lifecycle = .lingering
    backend.shutdownSending(on: connection)
    guard connection.pointee.flags.contains(.isReceivingPaused) else { return }
    connection.pointee.flags.remove(.isReceivingPaused)
    backend.receive(on: connection)
  }

  /// Tells other threads how much is queued. Called when a send has left something behind, or much
  /// is in flight: the usual send is small and done by the next pass, and costs nothing here.
  private func publishQueue(of connection: ConnectionPointer) {
    guard let cell = reactor.port.cell(at: connection.pointee.index) else { return }
    let known = cell.pointee.queuedByteCount.load(ordering: .relaxed)
    let queued =
      connection.pointee.queuedByteCount - reactor.untriedTopicByteCount(of: connection)
    guard known != queued else { return }
    // From now on other threads are told of backpressure, and shall hear when it is over.
    if queued >= reactor.configuration.queue.backpressureByteCount {
      reactor.reportBackpressure(on: connection)
    }
    if queued > 0 {
      connection.pointee.flags.insert(.hasPublishedQueue)
    } else {
      connection.pointee.flags.remove(.hasPublishedQueue)
    }
    cell.pointee.queuedByteCount.store(queued, ordering: .relaxed)
    state.value.statistics.queuedByteCount &+= UInt64(bitPattern: Int64(queued - known))
  }
}

extension ReactorLoop: CompletionReceiver {
  package func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
    noteWake()
    state.value.statistics.receivedByteCount &+= UInt64(bytes.count)
    state.value.statistics.receiveCount &+= 1
    connection.pointee.lastReceivedTick = state.value.nowTick
    guard connection.pointee.lifecycle == .open else { return }
    guard connection.pointee.flags.isDisjoint(with: [.isDirty, .isSending]),
      connection.pointee.flags.contains(.sendsAtOnce)
    else { return unsafe handler.received(bytes, on: connection) }
    state.value.sendingAtOnceIndex = connection.pointee.index
    unsafe state.value.received = bytes
    unsafe handler.received(bytes, on: connection)
    unsafe state.value.received = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    state.value.sendingAtOnceIndex = ConnectionRecord.noIndex
    if connection.pointee.flags.contains(.isDirty) { flush(connection) }
  }

  package func receiveEnded(_ code: Int32, on connection: ConnectionPointer) {
    noteWake()
    connection.pointee.flags.insert(.hasReceivedEnd)
    guard code == 0 else { return reactor.end(connection, code: code, reset: false) }
    switch connection.pointee.lifecycle {
    case .open: handler.receiveEnded(on: connection)
    case .lingering: reactor.end(connection, code: 0, reset: false)
    case .finishing, .closing, .free, .connecting: break
    }
  }

  package func sent(_ byteCount: Int, on connection: ConnectionPointer) {
    noteWake()
    connection.pointee.flags.remove(.isSending)
    consume(byteCount, on: connection)
    if connection.pointee.queuedByteCount > 0 {
      // A completion may have had the queue flushed, of which a part is in flight then.
      if !connection.pointee.flags.contains(.isSending) { withdrawTopics(connection) }
      publishQueue(of: connection)
      reactor.markDirty(connection)
    } else {
      if connection.pointee.flags.contains(.hasPublishedQueue) { publishQueue(of: connection) }
      queueEmptied(connection)
    }
  }

  package func sendFailed(_ code: Int32, on connection: ConnectionPointer) {
    noteWake()
    connection.pointee.flags.remove(.isSending)
    reactor.end(connection, code: code, reset: false)
  }
}
