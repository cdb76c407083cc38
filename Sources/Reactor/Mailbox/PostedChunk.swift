internal import Synchronization

/// Memory with bytes to send, made on one thread and on its way to a connection's send queue.
///
/// Must be used up: by `ConnectionID.post`, `Reactor.enqueue` or `Reactor.discard`.
@safe public struct PostedChunk {
  let pointer: OutboundChunkPointer

  init(_ pointer: OutboundChunkPointer) {
    unsafe self.pointer = pointer
  }

  /// Memory for so many bytes, to be filled by `fill` at once. Any thread.
  ///
  /// - Parameters:
  ///   - byteCount: bytes that will be sent.
  ///   - headroom: bytes in front of them that `prepend` may make use of.
  ///   - kind: the handler's own mark of what this is.
  ///   - completion: called on the owning reactor's thread when the bytes are in the kernel or
  ///     never will be.
  ///   - fill: writes the bytes.
  public init(
    byteCount: Int, headroom: Int = 0, kind: UInt8,
    completion: SendCompletion? = nil, fill: (UnsafeMutableRawBufferPointer) -> Void
  ) {
    unsafe pointer = ChunkPool.makeUnpooled(headroom + byteCount)
    unsafe pointer.pointee.start = headroom
    unsafe pointer.pointee.end = headroom + byteCount
    unsafe pointer.pointee.kind = kind
    unsafe pointer.pointee.completion = completion
    unsafe fill(pointer.content)
  }

  /// The handler's own mark.
  public var kind: UInt8 { unsafe pointer.pointee.kind }
  /// Whether somebody is to be told what becomes of the bytes.
  public var hasCompletion: Bool { unsafe pointer.pointee.completion != nil }
  /// The bytes, to be changed at will before they are enqueued.
  @unsafe public var content: UnsafeMutableRawBufferPointer { unsafe pointer.content }

  /// Has the bytes begin so many earlier, in the headroom that is left of what `init` was given. On
  /// the thread that has the chunk, before it is enqueued.
  public func prepend(_ byteCount: Int) {
    precondition(
      unsafe byteCount >= 0 && byteCount <= pointer.pointee.start
        && !pointer.pointee.flags.contains(.isReference), "there is no such headroom")
    unsafe pointer.pointee.start -= byteCount
  }

  /// What is to be called when the bytes are in the kernel, which it then is no more.
  public func takeCompletion() -> SendCompletion? {
    defer { unsafe pointer.pointee.completion = nil }
    return unsafe pointer.pointee.completion
  }

  /// Whether the bytes are others' too, and must not be changed.
  public var isShared: Bool { unsafe pointer.pointee.flags.contains(.isReference) }

  /// Whether its sender was told of backpressure, and is to hear when the queue has run empty.
  public var reportsBackpressure: Bool {
    unsafe pointer.pointee.flags.contains(.reportsBackpressure)
  }

  /// Frees memory that was never posted, and tells its completion.
  public func drop(_ outcome: SendOutcome) {
    let completion = unsafe pointer.pointee.completion
    unsafe ChunkPool.destroy(pointer)
    completion?(outcome)
  }
}

extension ConnectionID {
  /// Posts to the connection; its reactor hands the chunk to the handler's `posted`. Any thread;
  /// never blocks.
  ///
  /// What one thread posts arrives in its order. False: the connection has gone, and the chunk is
  /// still the caller's. If it goes while the chunk is on its way, the completion says so. With
  /// `reportsBackpressure`, its being enqueued counts as a call of `Reactor.reportBackpressure`.
  public func post(_ chunk: PostedChunk, reportsBackpressure: Bool = false) -> Bool {
    guard let port = ReactorPort.live(reactor), let cell else { return false }
    Kernel.substitute?.preempt()
    let byteCount = unsafe chunk.pointer.pointee.end
    unsafe chunk.pointer.pointee.connectionIndex = index
    unsafe chunk.pointer.pointee.generation = generation
    if reportsBackpressure { unsafe chunk.pointer.pointee.flags.insert(.reportsBackpressure) }
    guard cell.pointee.addPosted(byteCount, generation: generation, ofReactor: reactor) else {
      return false
    }
    Kernel.substitute?.preempt()
    unsafe chunk.pointer.entry.address(to: reactor)
    if unsafe port.pointee.mailbox.post(chunk.pointer.entry) { return true }
    cell.pointee.subtractPosted(byteCount, generation: generation, ofReactor: reactor)
    return false
  }

  /// Runs a job on the thread of the connection's reactor, behind what this thread has posted there
  /// before; see `Reactor.execute`. False: the reactor has stopped, and the job is not run.
  public func execute(_ job: @escaping ReactorJob) -> Bool {
    guard ReactorPort.live(reactor) != nil else { return false }
    ReactorPort.execute(job, onReactor: reactor)
    return true
  }
}
