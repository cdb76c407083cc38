/// What a backend changes as it goes. Used on one thread, so no access to it is checked.
struct IOURingState: ~Copyable {
  var systemCallCount: UInt64 = 0
  var starvedBufferCount: UInt64 = 0
  var listeners: [RingListener] = []
  /// Multishot receives with the kernel.
  var multishotCount = 0
  /// Connections that found no receive buffer, with their generations.
  var starved = Deque<ConnectionTurn>()
  /// Inline sends that have not been reported, with their bytes: in the order of submission.
  var inlineSends = Deque<InlineSend>()
  /// How many of `inlineSends` the kernel has tried.
  var triedInlineSendCount = 0
  /// How many of those are reported next: once `completionCount` has come to `settledCompletionCount`,
  /// since their own completions are among those.
  var settlingInlineSendCount = 0
  var settledCompletionCount: UInt64 = 0
  /// Completions taken so far.
  var completionCount: UInt64 = 0
  /// How many of `examining` are answered next: once `completionCount` has come to
  /// `examinedCompletionCount`.
  var settlingExaminationCount = 0
  var examinedCompletionCount: UInt64 = 0
  /// How long the wait may go on delivering.
  var budget: PassBudget
  /// Connections with large messages that have had a turn and left something in their sockets, or
  /// whose bytes are known to cost much; with their generations.
  var backlog = Deque<ConnectionTurn>()
  /// Closed connections of which the kernel holds nothing.
  var closed = Deque<ConnectionPointer>()
  /// Connections whose `examined` is to be reported, with their generations.
  var examining = Deque<ConnectionTurn>()
  /// What direct descriptors have answered, to be reported.
  var answers: [ExaminationAnswer] = []
  var scratch = MessageScratch()
  var hotBuffer: HotBuffer
  var lastWakeNanoseconds: Int64 = 0
  /// Since memory was last trimmed.
  var hasReceived = false
  var buffersHoldMemory = false
  var isTornDown = false

  init(hotBufferByteCount: Int, budget: PassBudget) {
    hotBuffer = HotBuffer(byteCount: hotBufferByteCount)
    self.budget = budget
  }
}

/// A connection's place in a queue, which is void when the record has changed hands meanwhile.
@safe struct ConnectionTurn {
  private let record: ConnectionPointer
  private let generation: UInt32

  init(_ connection: ConnectionPointer) {
    record = connection
    generation = connection.pointee.generation
  }

  /// Nil: it has gone.
  var connection: ConnectionPointer? {
    record.pointee.generation == generation ? record : nil
  }
}

/// A send that the kernel tries while it takes the submission queue in.
@safe struct InlineSend {
  let connection: ConnectionPointer
  let byteCount: Int
  /// Its outcome is known, and is not reported.
  var isSettled = false
}
