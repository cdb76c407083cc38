internal import CURing
internal import Glibc

/// The backend on io_uring: Linux 6.1 or newer.
///
/// Most of what it starts is prepared in the submission queue, and handed over by the next `wait`
/// in the one system call that also waits.
@safe final class IOURingBackend: Backend {
  let kind = BackendKind.ioURing
  let ring: Ring
  let buffers: BufferRing
  let slab: ConnectionSlab
  let capabilities: IOURingCapabilities
  let configuration: IOURingConfiguration
  /// Slots of the ring's own table of descriptors. 0: descriptors are the process's.
  let tableCount: Int
  /// Read by the kernel when a direct descriptor is to be reset.
  let lingerZero: UnsafeMutablePointer<linger>
  private let eventDescriptor: Int32
  private let confined: ThreadConfined<IOURingState>

  /// Called on the reactor's thread, which is the only one that may use the backend. Writing to the
  /// eventfd ends a `wait`; it is never read.
  init(
    configuration: IOURingConfiguration, eventDescriptor: Int32, slab: ConnectionSlab
  ) throws(SystemError) {
    self.configuration = configuration
    self.eventDescriptor = eventDescriptor
    self.slab = slab
    if let given = configuration.capabilities {
      capabilities = given
    } else {
      capabilities = try SelfTest.capabilities()
    }
    if configuration.usesDirectDescriptors, !capabilities.hasDirectDescriptors {
      throw SystemError(
        "use direct descriptors", code: EOPNOTSUPP, advice: "They need Linux 6.13 or newer")
    }
    ring = try Ring(
      submissionCount: configuration.submissionCount,
      completionCount: configuration.completionCount,
      usesDirectDescriptors: configuration.usesDirectDescriptors)
    buffers = try BufferRing(
      count: configuration.receiveBufferCount, byteCount: configuration.receiveBufferByteCount,
      group: 0, ring: ring)
    tableCount = configuration.usesDirectDescriptors ? Self.tableCount(for: slab.capacity) : 0
    if tableCount > 0 {
      try ring.registerTable(count: tableCount)
      slab.limit(to: tableCount)
    }
    confined = ThreadConfined(
      IOURingState(
        hotBufferByteCount: configuration.hotBufferByteCount,
        budget: PassBudget(nanoseconds: configuration.deliveryNanosecondsMax)))
    unsafe lingerZero = .allocate(capacity: 1)
    unsafe lingerZero.initialize(to: linger(l_onoff: 1, l_linger: 0))
    armWake()
  }

  deinit {
    tearDown()
    confined.deallocate()
    unsafe lingerZero.deallocate()
  }

  var state: IOURingState {
    @inline(__always) unsafeAddress { unsafe UnsafePointer(confined.address) }
    @inline(__always) unsafeMutableAddress { unsafe confined.address }
  }

  var systemCallCount: UInt64 { state.systemCallCount }
  var starvedBufferCount: UInt64 { state.starvedBufferCount }

  var descriptorsPerConnection: Int { tableCount > 0 ? 0 : 1 }

  func adopt(_ connection: ConnectionPointer) throws(SystemError) {
    if tableCount > 0 { try moveToTable(connection) }
  }

  func wait(_ bounds: WaitBounds, deliverTo receiver: any CompletionReceiver) {
    enter(bounds)
    state.budget.begin()
    takeCompletions(to: receiver)
    deliverBacklog(to: receiver)
    reportInlineSends(to: receiver)
    reportClosed(to: receiver)
    reportExamined(to: receiver)
    receiveForStarved()
  }

  func tearDown() {
    guard !state.isTornDown else { return }
    state.isTornDown = true
    ring.cancelAll()
    repeat {
      for _ in 0..<ring.readyCount { discard(ring.takeCompletion()) }
      ring.submitAndWait(timeoutNanoseconds: 0)
    } while ring.readyCount > 0
  }

  @discardableResult
  func trimMemory() -> Bool {
    state.hotBuffer.trim()
    // What is complete but not taken yet is still in the buffers.
    let isQuiet = !state.hasReceived && ring.readyCount == 0 && !ring.hasOverflowed
    if isQuiet, state.buffersHoldMemory { buffers.discardContents() }
    state.buffersHoldMemory = !isQuiet
    state.hasReceived = false
    return state.buffersHoldMemory || state.hotBuffer.holdsMemory
  }

  /// The next entry of the submission queue. Hands over those before it when the queue is full.
  @inline(__always)
  func nextSubmission() -> Submission {
    if let submission = ring.nextSubmission() { return submission }
    return makeRoomForSubmission()
  }

  private func makeRoomForSubmission() -> Submission {
    while true {
      submit()
      if let submission = ring.nextSubmission() { return submission }
      // The kernel has no memory for requests: nothing can be started before it has.
      usleep(1000)
    }
  }

  /// Hands over what is prepared, and no more.
  func submit() {
    state.systemCallCount += 1
    ring.submit()
    noteSubmitted()
  }

  private func noteSubmitted() {
    guard ring.unsubmittedCount == 0 else { return }
    state.triedInlineSendCount = state.inlineSends.count
    state.scratch.reset()
  }

  private func armWake() {
    nextSubmission().poll(
      .init(descriptor: eventDescriptor, isDirect: false), events: Int32(POLLIN),
      isMultishot: true, token: Token(.wake, index: 0, generation: 0))
  }
}

// Waiting, and what comes of it.
extension IOURingBackend {
  private func enter(_ bounds: WaitBounds) {
    state.systemCallCount += 1
    defer { noteSubmitted() }
    // What has been sent is reported soon, and not only after whatever happens next.
    let hasWork =
      state.inlineSends.count > 0 || state.closed.count > 0 || state.starved.count > 0
      || state.examining.count > 0 || !state.answers.isEmpty
      || state.backlog.count > 0 || ring.readyCount > 0
    if bounds.coalesceNanoseconds > 0 {
      // Work that the kernel deferred stays there, to be delivered together at the end of the
      // window. Completions that found no room do not: until they have come, no inline send can be
      // reported, so the work would never end.
      if !hasWork {
        gather(bounds)
      } else if ring.hasOverflowed {
        ring.submitAndWait(timeoutNanoseconds: 0)
      } else {
        ring.submit()
      }
    } else {
      ring.submitAndWait(timeoutNanoseconds: hasWork ? 0 : bounds.timeoutNanoseconds)
    }
  }

  private func gather(_ bounds: WaitBounds) {
    var window =
      bounds.coalesceNanoseconds - (MonotonicClock.nowNanoseconds() - state.lastWakeNanoseconds)
    if bounds.timeoutNanoseconds >= 0 { window = min(window, bounds.timeoutNanoseconds) }
    let microseconds = UInt32(clamping: (max(0, window) + 999) / 1000)
    if ring.canGather || microseconds == 0 {
      // Wakes early when the buffers run out.
      ring.submitAndWait(
        timeoutNanoseconds: bounds.timeoutNanoseconds, gatherMicroseconds: microseconds,
        gatherCount: max(1, min(buffers.count, ring.completionCount) / 2))
    } else {
      ring.submit()
      usleep(microseconds)
      state.systemCallCount += 2
      ring.submitAndWait(timeoutNanoseconds: bounds.timeoutNanoseconds)
    }
    state.lastWakeNanoseconds = MonotonicClock.nowNanoseconds()
  }

  private func takeCompletions(to receiver: any CompletionReceiver) {
    // Those that come up meanwhile have to wait: a connection must not be served twice in a pass.
    // Those that there is no time for have to wait as well: the queue keeps them, in their order.
    for _ in 0..<ring.readyCount {
      guard state.budget.allowsAnother() else { break }
      state.completionCount &+= 1
      deliver(ring.takeCompletion(), to: receiver)
    }
  }

  @inline(__always)
  private func deliver(_ completion: Completion, to receiver: any CompletionReceiver) {
    let token = completion.token
    switch token.operation {
    case .receive:
      state.hasReceived = true
      if let connection = slab.record(at: token.index, generation: token.generation) {
        received(completion, on: connection, to: receiver)
      }
    case .inlineSend, .send:
      if let connection = slab.record(at: token.index, generation: token.generation) {
        sent(completion, on: connection, to: receiver)
      }
    case .wake:
      if !completion.hasMore { armWake() }
    case .accept:
      accepted(completion, to: receiver)
    case .connect:
      if let connection = slab.record(at: token.index, generation: token.generation) {
        connectEnded(on: connection, to: receiver)
      }
    case .install, .closing:
      if let connection = slab.record(at: token.index, generation: token.generation) {
        adjusted(completion, on: connection, to: receiver)
      }
    case .examination, .installForExamination:
      if let connection = slab.record(at: token.index, generation: token.generation) {
        examined(completion, on: connection, to: receiver)
      }
    case .cancel, .adjustment, nil:
      break
    }
  }

  /// What comes up while the ring is torn down. Only descriptors need an owner.
  private func discard(_ completion: Completion) {
    let operation = completion.token.operation
    guard completion.result >= 0,
      operation == .accept || operation == .install || operation == .installForExamination
    else { return }
    Glibc.close(completion.result)
  }

  /// One operation of a connection less with the kernel: it may have been the last.
  func operationEnded(on connection: ConnectionPointer) {
    assert(connection.pointee.backendOperationCount > 0)
    connection.pointee.backendOperationCount -= 1
  }
}
