internal import CURing
internal import Glibc
internal import Synchronization

/// A thread with an io_uring ring or an epoll set, and its shard of the connections.
///
/// Everything here is for the reactor's own thread, that is for its `ConnectionHandler`, unless it
/// says otherwise.
@safe public final class Reactor: @unchecked Sendable {
  /// Bytes in front of received bytes that the receiver may write to: room for what it kept from
  /// the read before, so that it always sees contiguous memory.
  public static let receiveHeadroom = 192

  /// A year, in round numbers: the timer wheel tells twice that from the past.
  private static let deadlineMillisecondsMax = 366 * 24 * 3600 * 1000

  /// Which one of its group this is, from 0.
  public let position: Int
  /// How its group was told to run. Any thread.
  public let configuration: ReactorConfiguration
  /// The kernel interface that it runs on. Any thread.
  public let backendKind: BackendKind
  /// Whether messages may be dropped once they wait. Then each is kept apart from others.
  public let dropsSends: Bool

  @usableFromInline package let number: UInt32
  let port: ReactorPort
  /// Not the port's: they can still be read when the reactor has stopped.
  let counters = ReactorCounters()
  @usableFromInline let slab: ConnectionSlab
  let backend: any Backend
  let state: ThreadConfined<ReactorState>
  let topics: ThreadConfined<ReactorTopics>
  /// For the ranges of one send: those that the send queue fills, and those of a message that is sent at once.
  let vectors: UnsafeMutableBufferPointer<iovec>
  /// For the headers of such a message's fragments.
  let headers: UnsafeMutableRawBufferPointer
  /// Bytes below which a queue takes a send without asking for its policy.
  @usableFromInline let uncheckedByteCount: Int

  init(
    position: Int, configuration: ReactorConfiguration, attachmentByteCount: Int, kind: BackendKind
  ) throws(SystemError) {
    self.position = position
    self.configuration = configuration
    (port, number) = try ReactorPort.open(
      configuration.queue, subscriptionCountMax: configuration.subscriptionCountMax)
    slab = ConnectionSlab(
      capacity: configuration.connectionCountMax, attachmentByteCount: attachmentByteCount)
    do {
      backend = try kind.make(
        configuration, eventDescriptor: port.pointee.mailbox.eventDescriptor, slab: slab)
    } catch {
      _ = unsafe port.close(number)
      throw error
    }
    backendKind = backend.kind
    let gate = AcceptGate(
      openFileLimit: OpenFileLimit.current, reservedCount: configuration.reservedDescriptorCount,
      holdsDescriptors: backend.descriptorsPerConnection > 0)
    state = ThreadConfined(ReactorState(slab: slab, acceptGate: gate))
    topics = ThreadConfined(ReactorTopics())
    unsafe vectors = .allocate(
      capacity: SendBatch.vectorCountMax + 2 * Self.piecesAtOnceCountMax)
    unsafe headers = .allocate(
      byteCount: Self.piecesAtOnceCountMax * Self.headerByteCountMax, alignment: 16)
    let limits = configuration.queue
    uncheckedByteCount = min(limits.byteCountMax, limits.backpressureByteCount)
    dropsSends = limits.overflow == .dropOldest
  }

  deinit {
    unsafe vectors.deallocate()
    unsafe headers.deallocate()
    topics.deallocate()
    state.deallocate()
  }

  /// The reactor whose thread this is. Any thread.
  public static var current: Reactor? {
    ReactorLoop.current?.reactor
  }

  /// The handler of the reactor whose thread this is. Any thread.
  public static var currentHandler: (any ConnectionHandler)? {
    ReactorLoop.current?.handler
  }

  /// Nanoseconds since the reactor was started, without those in which its thread stood still: what
  /// deadlines count by. Read once a pass.
  public var nowNanoseconds: Int64 { state.value.nowNanoseconds }

  /// The name of a connection, to be kept and used from anywhere.
  @inlinable
  public func id(of connection: ConnectionPointer) -> ConnectionID {
    ConnectionID(
      reactor: number, index: connection.pointee.index, generation: connection.pointee.generation)
  }

  /// The connection that an id names, if it is one of this reactor's and still there.
  @inlinable @inline(__always)
  public func connection(_ id: ConnectionID) -> ConnectionPointer? {
    guard id.reactor == number else { return nil }
    return slab.record(at: id.index, generation: id.generation)
  }

  /// Calls `body` with each connection that is open. It may end them.
  public func forEachConnection(_ body: (ConnectionPointer) -> Void) {
    forEachRecord { if $0.pointee.lifecycle == .open { body($0) } }
  }

  // MARK: Sending

  /// Whether bytes can still be sent.
  @inlinable @inline(__always)
  public func canSend(on connection: ConnectionPointer) -> Bool {
    connection.pointee.lifecycle == .open
  }

  /// Whether so many bytes can be sent, leave the queue below every limit, and need not wait for
  /// any topic.
  @inlinable @inline(__always)
  public func hasRoom(for byteCount: Int, on connection: ConnectionPointer) -> Bool {
    canSend(on: connection) && connection.pointee.topicFlags.rawValue == 0
      && connection.pointee.queuedByteCount &+ byteCount < uncheckedByteCount
  }

  /// Bytes that wait to be sent, without those that other threads have posted and that are still on
  /// their way.
  @inlinable @inline(__always)
  public func queuedByteCount(of connection: ConnectionPointer) -> Int {
    connection.pointee.queuedByteCount
  }

  /// Room at the end of the send queue for so many bytes, at least 1, which are sent at the end of
  /// the pass, together with all else that the connection has to send by then. To be filled at
  /// once. `canSend` must hold.
  @inlinable @inline(__always)
  public func reserve(
    _ byteCount: Int, on connection: ConnectionPointer
  ) -> UnsafeMutableRawBufferPointer {
    assert(connection.pointee.lifecycle == .open && byteCount > 0)
    if connection.pointee.flags.contains(.isDirty),
      let room = unsafe connection.reserveInTail(byteCount)
    {
      return unsafe room
    }
    return unsafe reserveMore(byteCount, on: connection)
  }

  @usableFromInline
  func reserveMore(
    _ byteCount: Int, on connection: ConnectionPointer
  ) -> UnsafeMutableRawBufferPointer {
    markDirty(connection)
    return unsafe connection.reserve(byteCount, pool: &state.value.pool)
  }

  /// Queues bytes to be sent. `canSend` must hold.
  public func send(_ bytes: RawSpan, on connection: ConnectionPointer) {
    guard bytes.byteCount > 0 else { return }
    let room = unsafe reserve(bytes.byteCount, on: connection)
    unsafe bytes.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
  }

  /// Queues a chunk to be sent, without copying it unless it is small. `canSend` must hold.
  ///
  /// - Parameters:
  ///   - chunk: what to send.
  ///   - connection: where to.
  ///   - isDroppable: it may be dropped whole by `dropOldest`.
  public func enqueue(
    _ chunk: PostedChunk, on connection: ConnectionPointer, isDroppable: Bool = false
  ) {
    assert(connection.pointee.lifecycle == .open)
    let pointer = unsafe chunk.pointer
    let content = unsafe pointer.content
    // Nothing to send is sent: the kernel would be asked for ever to take it.
    guard content.count > 0 else { return unsafe release(pointer, .sent) }
    markDirty(connection)
    if unsafe pointer.pointee.flags.contains(.reportsBackpressure) {
      reportBackpressure(on: connection)
    }
    if !isDroppable, !chunk.hasCompletion, content.count <= 1024 {
      let room = unsafe connection.reserve(content.count, pool: &state.value.pool)
      unsafe room.copyMemory(from: UnsafeRawBufferPointer(content))
      unsafe state.value.pool.giveBack(pointer)
      return
    }
    unsafe pointer.pointee.flags.insert(isDroppable ? [.isSealed, .isDroppable] : .isSealed)
    unsafe connection.append(pointer)
  }

  /// Gives a chunk back that is not to be sent, and tells its completion.
  public func discard(_ chunk: PostedChunk, _ outcome: SendOutcome) {
    unsafe release(chunk.pointer, outcome)
  }

  /// As `discard`, of one that has come to its connection: if its sender was told of backpressure, it
  /// waits for `ConnectionHandler.drained`.
  public func discard(
    _ chunk: PostedChunk, _ outcome: SendOutcome, on connection: ConnectionPointer
  ) {
    if chunk.reportsBackpressure, connection.pointee.lifecycle == .open {
      reportBackpressure(on: connection)
      markDirty(connection)
    }
    discard(chunk, outcome)
  }

  /// Drops the oldest droppable chunks that wait on a connection, until so many bytes are free or
  /// none is left. Returns how many were dropped.
  public func dropOldest(_ byteCount: Int, on connection: ConnectionPointer) -> Int {
    unsafe releaseAll(connection.takeDroppable(byteCount), .dropped)
  }

  /// Asks for `ConnectionHandler.drained` when the send queue has run empty.
  public func reportBackpressure(on connection: ConnectionPointer) {
    connection.pointee.flags.insert(.owesDrained)
  }

  // MARK: Ending

  /// Sends what is queued, then FIN, and closes when the peer has sent its own, or when
  /// `ReactorConfiguration.lingerMilliseconds` have passed since it acknowledged the last byte, or
  /// `sendTimeoutMilliseconds` without any. Received bytes are dropped from now on.
  public func finish(_ connection: ConnectionPointer) {
    guard connection.pointee.lifecycle == .open else { return }
    connection.pointee.lifecycle = .finishing
    awaitAnswer(on: connection, milliseconds: configuration.lingerMilliseconds)
    markDirty(connection)
  }

  /// Closes without sending what is queued.
  ///
  /// - Parameters:
  ///   - connection: which one.
  ///   - reset: tell the peer by RST, so that it cannot take this for an orderly end.
  public func abort(_ connection: ConnectionPointer, reset: Bool = true) {
    end(connection, code: 0, reset: reset)
  }

  // MARK: Receiving and time

  /// Stops the delivery of received bytes, which then wait in the kernel, until `resumeReceiving`.
  /// A little that has been taken from there may still be delivered.
  public func pauseReceiving(on connection: ConnectionPointer) {
    guard connection.pointee.lifecycle == .open,
      !connection.pointee.flags.contains(.isReceivingPaused)
    else { return }
    connection.pointee.flags.insert(.isReceivingPaused)
    backend.pauseReceiving(on: connection)
  }

  /// Whether `pauseReceiving` was called, and `resumeReceiving` not since.
  public func isReceivingPaused(on connection: ConnectionPointer) -> Bool {
    connection.pointee.flags.contains(.isReceivingPaused)
  }

  /// Delivers received bytes again after `pauseReceiving`. Does nothing if receiving is not paused, or the connection is
  /// ending.
  public func resumeReceiving(on connection: ConnectionPointer) {
    guard connection.pointee.lifecycle == .open,
      connection.pointee.flags.contains(.isReceivingPaused)
    else { return }
    connection.pointee.flags.remove(.isReceivingPaused)
    backend.receive(on: connection)
  }

  /// Milliseconds since bytes last arrived, since `noteAlive`, or since it was accepted; exact to a
  /// tick of the timer wheel (32 ms).
  public func idleMilliseconds(of connection: ConnectionPointer) -> Int {
    let ticks = state.value.nowTick &- connection.pointee.lastReceivedTick
    return Int(ticks) * Int(TimerWheel.nanosecondsPerTick / 1_000_000)
  }

  /// Has `ConnectionHandler.expired` called after so many milliseconds (at most a year), in place
  /// of an earlier deadline. Never early, and late by a tick of the timer wheel (32 ms) at most,
  /// unless the thread is busy.
  public func setDeadline(on connection: ConnectionPointer, afterMilliseconds milliseconds: Int) {
    guard connection.pointee.lifecycle != .closing else { return }
    stopAwaitingAnswer(on: connection)
    let wait = Self.nanoseconds(milliseconds: milliseconds)
    let tick = TimerWheel.tick(atNanoseconds: state.value.nowNanoseconds + wait)
    state.value.wheel.set(connection, tick: tick)
  }

  /// Puts a text on a connection that any thread can read by `ConnectionID.label`. For a few
  /// different texts: each is kept as long as the reactor runs. False: there are too many.
  @discardableResult
  public func label(_ connection: ConnectionPointer, _ text: String) -> Bool {
    guard let position = port.pointee.labels.intern(text),
      let cell = port.cell(at: connection.pointee.index)
    else { return false }
    // A refusal that is on its way may be told of once more then.
    cell.pointee.labelIndex.store(UInt16(position + 1), ordering: .relaxed)
    return true
  }

  /// Counts messages for the statistics.
  @inline(__always)
  public func count(messages: Int) {
    state.value.statistics.messageCount &+= UInt64(messages)
  }

  /// Calls a job with `.run` on the reactor's thread. If the reactor has stopped, it calls the job with `.gone` at once,
  /// on the calling thread. If the reactor stops while the job is on its way, the reactor's thread calls it with `.gone`.
  /// The reactor takes the jobs and posts of one thread in that thread's order. Any thread.
  public func execute(_ job: @escaping ReactorJob) {
    ReactorPort.execute(job, onReactor: number)
  }

  /// Calls a job with `.run` on this reactor's thread when `milliseconds` have passed, never earlier. If the reactor
  /// ends before that, it calls the job with `.gone`. A delay of more than a year counts as a year. Nothing cancels
  /// the job. To be called on this reactor's thread.
  public func execute(afterMilliseconds milliseconds: Int, _ job: @escaping ReactorJob) {
    guard !state.value.hasEnded else { return job(.gone) }
    let wait = Self.nanoseconds(milliseconds: milliseconds)
    state.value.delayedJobs.add(job, atNanoseconds: state.value.realNanoseconds + wait)
  }

  /// What the reactor has done and holds, as of its last pass. Any thread, also when it has
  /// stopped.
  public var statistics: ReactorStatistics { counters.load() }

  // MARK: For the loop

  /// What is longer than a year is a year: `Int.max` may stand for no limit.
  static func nanoseconds(milliseconds: Int) -> Int64 {
    Int64(min(max(milliseconds, 0), deadlineMillisecondsMax)) * 1_000_000
  }

  /// Connections that it has or has been given.
  var assignedCount: Int { counters.assignedCount.load(ordering: .relaxed) }

  func forEachRecord(_ body: (ConnectionPointer) -> Void) {
    for index in 0..<slab.highWaterCount { body(slab.record(at: UInt32(index))) }
  }

  @inline(__always)
  func markDirty(_ connection: ConnectionPointer) {
    guard !connection.pointee.flags.contains(.isDirty) else { return }
    connection.pointee.flags.insert(.isDirty)
    // One that is being received on and sends at once is flushed right after the handler returns.
    if connection.pointee.index != state.value.sendingAtOnceIndex {
      state.value.dirty.append(connection)
    }
  }

  func end(_ connection: ConnectionPointer, code: Int32, reset: Bool) {
    guard connection.pointee.lifecycle != .closing, connection.pointee.lifecycle != .free else {
      return
    }
    connection.pointee.lifecycle = .closing
    connection.pointee.endCode = UInt8(clamping: code)
    state.value.wheel.remove(connection)
    backend.close(connection, reset: reset)
  }

  func release(_ chunk: OutboundChunkPointer, _ outcome: SendOutcome) {
    let completion = unsafe chunk.pointee.completion
    unsafe state.value.pool.giveBack(chunk)
    completion?(outcome)
  }
}

extension ReactorPort {
  static func execute(_ job: @escaping ReactorJob, onReactor number: UInt32) {
    guard let port = live(number) else { return job(.gone) }
    Kernel.substitute?.preempt()
    let entry = unsafe JobEntry.make(job)
    unsafe entry.address(to: number)
    guard unsafe !port.pointee.mailbox.post(entry) else { return }
    unsafe entry.destroy()
    job(.gone)
  }
}
