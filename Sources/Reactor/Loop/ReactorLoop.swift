internal import CURing
internal import Glibc
internal import Synchronization

/// One reactor's thread: waits for completions, hands them to the handler, and flushes what there
/// is to send.
///
/// A pass: take in what other threads have posted; serve deadlines; start the sends of all
/// connections that have something to send; then submit, wait and deliver in one call to the
/// backend.
@safe final class ReactorLoop {
  let reactor: Reactor
  let handler: any ConnectionHandler
  let listeners: ListenerSet
  let backend: any Backend
  private let fileByteCountMin: Int
  /// A pass that takes this long is told of. Max: none is.
  let slowPassNanoseconds: Int64
  let state: Confined<ReactorState>

  init(reactor: Reactor, handler: any ConnectionHandler, listeners: ListenerSet) {
    self.reactor = reactor
    self.handler = handler
    self.listeners = listeners
    backend = reactor.backend
    fileByteCountMin = backend.fileByteCountMin
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

  func begin() {
    updateTime()
    notePassStart()
    for listener in listeners.listeners(ofReactor: reactor.position) { startAccepting(listener) }
  }

  // MARK: The pass

  /// All of a pass but its wait. `interruption` is called where other threads may come in between:
  /// a simulation makes use of it. Returns how long the wait may be.
  @inline(__always)
  func prepare(_ interruption: () -> Void = {}) -> WaitBounds {
    takePosted()
    interruption()
    if reactor.offersMuch { letPublishersGoOn() }
    serveDeadlines()
    interruption()
    reactor.offerTopics(handler)
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
  func wait(_ bounds: WaitBounds) {
    state.value.isWaiting = true
    backend.wait(bounds, deliverTo: self)
    noteWake()
    state.value.statistics.wakeCount &+= 1
  }

  private func takePosted() {
    let targets = state.value.ownPostTargets
    if !targets.isEmpty { state.value.ownPostTargets = [] }
    defer { if !targets.isEmpty { reactor.forgetOwnPosts(to: targets) } }
    var next = unsafe reactor.port.pointee.mailbox.takeAll()
    while let chunk = unsafe next {
      unsafe next = chunk.pointee.next
      unsafe chunk.pointee.next = nil
      state.value.statistics.postedCount &+= 1
      unsafe take(chunk)
    }
  }

  /// A publisher that has woken this thread on its own processor may be in the middle of a burst.
  /// To send its first message to very many takes longer than to let it have its turn, after which
  /// the rest can go with it.
  private func letPublishersGoOn() {
    state.value.statistics.systemCallCount &+= 1
    sched_yield()
    takePosted()
  }

  private func take(_ chunk: SendChunkPointer) {
    let index = unsafe chunk.pointee.connectionIndex
    let isOwnPost = unsafe chunk.pointee.flags.contains(.isOwnPost)
    unsafe chunk.pointee.flags.remove(.isOwnPost)
    // A message is on its way until it is where it belongs: what makes room for it may have a
    // completion that sends. A job or a mark has arrived.
    let isMessage = index != ConnectionRecord.noIndex
    if isOwnPost, !isMessage { state.value.ownPostCount -= 1 }
    defer { if isOwnPost, isMessage { state.value.ownPostCount -= 1 } }
    // Else it was posted to the reactor that had the port before, by a thread that has been slow
    // about it.
    let isForThisReactor = unsafe chunk.pointee.reactorNumber == reactor.number
    guard index != ConnectionRecord.noIndex else {
      if unsafe chunk.pointee.flags.contains(.isMark) {
        if isForThisReactor { unsafe reactor.takeMark(chunk) }
      }
      return unsafe reactor.release(chunk, isForThisReactor ? .sent : .closed)
    }
    // At the end: what other threads count as posted must count as queued first, or they would take
    // a full queue for empty.
    let byteCount = unsafe chunk.pointee.end
    let generation = unsafe chunk.pointee.generation
    let number = unsafe chunk.pointee.reactorNumber
    defer {
      let cell = reactor.port.cell(at: index)
      cell?.pointee.subtractPosted(byteCount, generation: generation, ofReactor: number)
    }
    guard isForThisReactor,
      let connection = reactor.slab.record(at: index, generation: generation),
      connection.pointee.lifecycle == .open
    else { return unsafe reactor.release(chunk, .closed) }
    announceGaps(connection)
    guard connection.pointee.lifecycle == .open else {
      return unsafe reactor.release(chunk, .closed)
    }
    unsafe handler.posted(PostedChunk(chunk), on: connection)
    if connection.pointee.queuedByteCount >= reactor.configuration.queue.backpressureByteCount {
      publishQueue(of: connection)
    }
  }

  private func serveDeadlines() {
    while let connection = state.value.wheel.nextExpired(upTo: state.value.nowTick) {
      switch connection.pointee.lifecycle {
      case .open, .connecting: handler.expired(connection)
      // The peer has had its time to take the last bytes and to say that it has.
      case .finishing, .lingering: reactor.end(connection, code: ETIMEDOUT, reset: true)
      case .free, .closing: break
      }
    }
    // Not those that a job adds: one that adds another for now would never let go.
    for job in state.value.delayedJobs.takeDue(atNanoseconds: state.value.nowNanoseconds) {
      job(.sent)
    }
    if state.value.nowNanoseconds >= state.value.resetNanoseconds { resetRemaining() }
    if state.value.nowNanoseconds >= state.value.housekeepingNanoseconds { keepHouse() }
  }

  /// Only those that are dirty now: what a completion or `drained` adds comes in the next pass.
  private func flushDirty() {
    let count = state.value.dirty.count
    guard count > 0 else { return }
    for position in 0..<count {
      let connection = state.value.dirty[position]
      if connection.pointee.flags.contains(.isDirty) { flush(connection) }
    }
    state.value.dirty.removeFirst(count)
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

  private func updateTime() {
    let now = MonotonicClock.nowNanoseconds() - state.value.startNanoseconds
    state.value.nowNanoseconds = now
    state.value.nowTick = UInt32(truncatingIfNeeded: now / TimerWheel.nanosecondsPerTick)
  }

  /// 0 if there is work left; else until the next deadline; negative if there is none.
  private var timeoutNanoseconds: Int64 {
    // Whoever subscribes from a completion comes behind this pass's offering.
    guard state.value.dirty.isEmpty, reactor.topics.value.dirty.isEmpty, !isDone else { return 0 }
    var next = min(state.value.housekeepingNanoseconds, state.value.resetNanoseconds)
    next = min(next, state.value.delayedJobs.nextNanoseconds)
    if let ticks = state.value.wheel.ticksToNext {
      // The wheel has been turned to this tick. Its own count wraps, time does not.
      let tick = state.value.nowNanoseconds / TimerWheel.nanosecondsPerTick + Int64(ticks)
      next = min(next, tick * TimerWheel.nanosecondsPerTick)
    }
    guard next != .max else { return -1 }
    return max(0, next - state.value.nowNanoseconds)
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
      let batch = unsafe connection.gather(
        into: reactor.vectors, fileByteCountMin: fileByteCountMin)
    {
      state.value.statistics.sendCount &+= 1
      switch backend.send(batch, on: connection) {
      case .handed(let byteCount):
        rest -= byteCount
        consume(byteCount, on: connection)
        if byteCount < batch.byteCount { withdrawTopics(connection) }
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
    state.value.statistics.sentByteCount &+= UInt64(byteCount)
    let completed = unsafe connection.consume(byteCount, pool: &state.value.pool)
    _ = unsafe reactor.releaseAll(completed, .sent)
  }

  /// Tells the handler of messages of topics that a connection is not sent, before it is sent
  /// something behind them. Not from within a call of the handler.
  func announceGaps(_ connection: ConnectionPointer) {
    guard reactor.isSubscribed(connection) else { return }
    reactor.judge(connection)
    reactor.announceGaps(connection, handler)
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
  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
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

  func receiveEnded(_ code: Int32, on connection: ConnectionPointer) {
    noteWake()
    connection.pointee.flags.insert(.hasReceivedEnd)
    guard code == 0 else { return reactor.end(connection, code: code, reset: false) }
    switch connection.pointee.lifecycle {
    case .open: handler.receiveEnded(on: connection)
    case .lingering: reactor.end(connection, code: 0, reset: false)
    case .finishing, .closing, .free, .connecting: break
    }
  }

  func sent(_ byteCount: Int, on connection: ConnectionPointer) {
    noteWake()
    connection.pointee.flags.remove(.isSending)
    consume(byteCount, on: connection)
    if connection.pointee.queuedByteCount > 0 {
      withdrawTopics(connection)
      publishQueue(of: connection)
      reactor.markDirty(connection)
    } else {
      if connection.pointee.flags.contains(.hasPublishedQueue) { publishQueue(of: connection) }
      queueEmptied(connection)
    }
  }

  func sendFailed(_ code: Int32, on connection: ConnectionPointer) {
    noteWake()
    connection.pointee.flags.remove(.isSending)
    reactor.end(connection, code: code, reset: false)
  }
}
