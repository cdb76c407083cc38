internal import CURing

/// What stands in a reactor's mailbox: the beginning of a block of memory that is, by its kind, an `OutboundChunk`, a
/// `JobEntry` or a `MarkEntry`.
@safe @usableFromInline struct MailboxEntry {
  enum Kind: UInt8 {
    case chunk, job, mark
  }

  /// The next one in a mailbox; of a chunk, also in a queue or a pool.
  var next: MailboxEntryPointer?
  /// The reactor it was posted to.
  var reactorNumber: UInt32 = 0
  let kind: Kind
  /// It was posted on the reactor's own thread.
  var isOwnPost = false

  init(_ kind: Kind) {
    self.kind = kind
  }
}

@usableFromInline typealias MailboxEntryPointer = UnsafeMutablePointer<MailboxEntry>

/// A job on its way to a reactor.
@safe struct JobEntry {
  private var entry = MailboxEntry(.job)
  let job: ReactorJob

  /// Makes an entry to be posted, which `UnsafeMutablePointer.destroy` frees. Any thread.
  static func make(_ job: @escaping ReactorJob) -> MailboxEntryPointer {
    let memory = UnsafeMutablePointer<JobEntry>.allocate(capacity: 1)
    unsafe memory.initialize(to: JobEntry(job: job))
    return unsafe UnsafeMutableRawPointer(memory).assumingMemoryBound(to: MailboxEntry.self)
  }
}

/// What a mark on its way to a reactor says: how far a topic has come.
@safe struct MarkEntry {
  private var entry = MailboxEntry(.mark)
  let log: TopicLog
  /// The ordinal behind the last message.
  let end: UInt64

  /// Makes an entry to be posted, which `UnsafeMutablePointer.destroy` frees. Any thread.
  static func make(_ log: TopicLog, end: UInt64) -> MailboxEntryPointer {
    let memory = UnsafeMutablePointer<MarkEntry>.allocate(capacity: 1)
    unsafe memory.initialize(to: MarkEntry(log: log, end: end))
    return unsafe UnsafeMutableRawPointer(memory).assumingMemoryBound(to: MailboxEntry.self)
  }
}

extension UnsafeMutablePointer<MailboxEntry> {
  /// The whole of a chunk that this entry begins.
  @unsafe var chunk: OutboundChunkPointer {
    unsafe assert(pointee.kind == .chunk)
    return unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: OutboundChunk.self)
  }

  /// The whole of a job that this entry begins.
  @unsafe var job: UnsafeMutablePointer<JobEntry> {
    unsafe assert(pointee.kind == .job)
    return unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: JobEntry.self)
  }

  /// The whole of a mark that this entry begins.
  @unsafe var mark: UnsafeMutablePointer<MarkEntry> {
    unsafe assert(pointee.kind == .mark)
    return unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: MarkEntry.self)
  }

  /// Says which reactor it is posted to, before it is posted: what a reactor posts to itself must not be overtaken by
  /// what it does directly.
  func address(to number: UInt32) {
    unsafe pointee.reactorNumber = number
    let own = martlet_thread_reactor_number() == number ? Reactor.current : nil
    // Also false anew: a handler may post a chunk on that has come to it.
    unsafe pointee.isOwnPost = own != nil
    own?.state.value.ownPostCount += 1
  }

  /// Frees an entry that is in no pool. Any thread.
  func destroy() {
    let kind = unsafe pointee.kind
    switch kind {
    case .chunk: unsafe ChunkPool.destroy(chunk)
    case .job:
      let memory = unsafe job
      unsafe memory.deinitialize(count: 1)
      unsafe memory.deallocate()
    case .mark:
      let memory = unsafe mark
      unsafe memory.deinitialize(count: 1)
      unsafe memory.deallocate()
    }
  }
}
