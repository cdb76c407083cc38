internal import CURing
internal import Glibc
internal import Synchronization

/// What is done now and then, and at the end.
extension ReactorLoop {
  private static let housekeepingIntervalNanoseconds: Int64 = 1_000_000_000

  package var isDone: Bool { state.value.isStopping && reactor.slab.count == 0 }

  func scheduleHousekeeping(afterNanoseconds nanoseconds: Int64) {
    let time = state.value.realNanoseconds + nanoseconds
    if time < state.value.housekeepingNanoseconds { state.value.housekeepingNanoseconds = time }
  }

  /// Gives memory back, moves quiet connections to a cheaper form of waiting, tries stopped
  /// listeners again. Goes on as long as there are connections, and until all memory is given back that
  /// is not kept for the next ones.
  func keepHouse() {
    state.value.housekeepingNanoseconds = .max
    restartListeners()
    quiesceSome()
    reactor.settleTopics(handler)
    state.value.sendWatches.trim()
    // What is freed to malloc in small pieces stays in its arenas until it is asked to look.
    let freedByteCount = state.value.pool.trim() + reactor.topics.value.takeOwed()
    if freedByteCount >= 1 << 20 { martlet_malloc_trim() }
    let holdsMemory = backend.trimMemory() || state.value.pool.holdsMemory
    if reactor.slab.count > 0 || holdsMemory || reactor.topics.value.owesMemory
      || !reactor.topics.value.lagging.isEmpty
    {
      scheduleHousekeeping(afterNanoseconds: Self.housekeepingIntervalNanoseconds)
    }
  }

  /// Looks at so many records that all have been seen once in the time after which one counts as
  /// quiet.
  private func quiesceSome() {
    let seconds = max(1, reactor.configuration.quiesceAfterSeconds)
    let total = reactor.slab.highWaterCount
    guard total > 0 else { return }
    for _ in 0..<(total + seconds - 1) / seconds {
      if state.value.quiesceIndex >= total { state.value.quiesceIndex = 0 }
      let connection = reactor.slab.record(at: UInt32(state.value.quiesceIndex))
      state.value.quiesceIndex += 1
      if connection.pointee.lifecycle == .open,
        reactor.idleMilliseconds(of: connection) >= seconds * 1000
      {
        backend.quiesce(connection)
      }
    }
  }

  /// Stores the statistics where other threads can read them.
  func publish() {
    var statistics = state.value.statistics
    statistics.systemCallCount &+= backend.systemCallCount
    statistics.starvedBufferCount = backend.starvedBufferCount
    reactor.counters.store(statistics)
  }

  /// Accepts no more, and has the handler end what there is. The loop ends when the last connection
  /// has.
  func stop() {
    guard !state.value.isStopping else { return }
    state.value.isStopping = true
    let wait = Reactor.nanoseconds(milliseconds: reactor.configuration.stopMilliseconds)
    state.value.resetNanoseconds = state.value.realNanoseconds + wait
    for listener in listeners.listeners(ofReactor: reactor.position) {
      backend.stopAccepting(index: listener)
    }
    listeners.close(listenersOfReactor: reactor.position)
    state.value.acceptGate.forgetPaused()
    handler.stopping()
    reactor.forEachRecord { connection in
      guard connection.pointee.lifecycle == .connecting else { return }
      reactor.end(connection, code: ECANCELED, reset: false)
    }
  }

  /// The time to end by themselves is over. As far as there is time in this pass: the rest comes in the
  /// next ones.
  func resetRemaining() {
    state.value.budget.begin()
    while state.value.resetIndex < reactor.slab.highWaterCount {
      guard state.value.budget.allowsAnother() else { return }
      let connection = reactor.slab.record(at: UInt32(state.value.resetIndex))
      state.value.resetIndex += 1
      reactor.end(connection, code: ETIMEDOUT, reset: true)
    }
    state.value.resetNanoseconds = .max
  }

  package func tearDown() {
    publish()
    state.value.hasEnded = true
    while let job = state.value.delayedJobs.takeDue(atNanoseconds: .max) { job(.gone) }
    backend.tearDown()
    unsafe discard(state.value.taken)
    unsafe state.value.taken = nil
    unsafe discard(reactor.port.close(reactor.number))
    // Subscriptions that were on their way have kept their topics.
    reactor.topics.value.removeShards()
  }

  /// Gives back what was posted and has not arrived.
  private func discard(_ first: MailboxEntryPointer?) {
    var next = unsafe first
    while let entry = unsafe next {
      unsafe next = entry.pointee.next
      unsafe entry.pointee.next = nil
      if unsafe entry.pointee.isOwnPost { state.value.ownPostCount -= 1 }
      switch unsafe entry.pointee.kind {
      case .chunk: unsafe discard(entry.chunk)
      case .job:
        let job = unsafe entry.job.pointee.job
        unsafe entry.destroy()
        job(.gone)
      case .mark: unsafe entry.destroy()
      }
    }
  }

  private func discard(_ chunk: OutboundChunkPointer) {
    if let cell = unsafe reactor.port.cell(at: chunk.pointee.connectionIndex) {
      unsafe cell.pointee.subtractPosted(
        chunk.pointee.end, generation: chunk.pointee.generation,
        ofReactor: chunk.pointee.entry.reactorNumber)
    }
    unsafe reactor.release(chunk, .closed)
  }
}
