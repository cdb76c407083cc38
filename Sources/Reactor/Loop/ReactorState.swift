/// What changes in a reactor from event to event.
@safe struct ReactorState: ~Copyable {
  var pool = ChunkPool()
  var wheel: TimerWheel
  /// Jobs to be run at a time: few, so they need no wheel.
  var delayedJobs = TimeQueue<ReactorJob>()
  /// Delayed jobs are run no more.
  var hasEnded = false
  var statistics = ReactorStatistics()
  /// Connections with bytes to send, or to be shut down, at the end of the pass. Some may have been
  /// served since.
  var dirty: [ConnectionPointer] = []
  /// Those of earlier passes that there was no time for. Under load it may never be empty.
  var unflushed = Deque<ConnectionPointer>(capacity: 1024)
  /// How many of them are to be flushed before topics are offered again.
  var unflushedCountBeforeOffer = 0
  /// What has been taken out of the mailbox, and not been looked at yet; oldest first.
  var taken: MailboxEntryPointer?
  /// As `ownPostTargets`, of what has been taken out of the mailbox.
  var takenTargets: [ConnectionID] = []
  /// How long the part of the pass may go on.
  var budget = PassBudget(nanoseconds: 2_000_000)
  /// Whether there was no time for some of the deadlines that have come.
  var hasMoreDue = false
  /// The connection that is being received on, if it sends at once.
  var sendingAtOnceIndex = ConnectionRecord.noIndex
  /// The bytes that are being received on it.
  var received = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// What this thread has posted to itself, and what is still in the mailbox.
  var ownPostCount = 0
  /// Connections that this thread has posted to since the mailbox was last emptied, some of them
  /// several times: see `Reactor.mustPost`.
  var ownPostTargets: [ConnectionID] = []
  /// Completions of chunks are being called, one after the other.
  var isReleasing = false
  /// The connection whose handler is being told of messages that it has missed.
  var announcingIndex = ConnectionRecord.noIndex
  /// The connection that something is being done to which has come through the mailbox: so its
  /// handler is in no call.
  var postedIndex = ConnectionRecord.noIndex
  var acceptGate: AcceptGate
  /// When the log may next say that accepting has stopped.
  var nextNoticeNanoseconds: Int64 = 0
  /// When the pass began that the reactor is in.
  var passStartNanoseconds: Int64 = 0
  /// When the log may next say that a pass has taken long.
  var nextSlowNoticeNanoseconds: Int64 = 0
  /// When the reactor was started, by the monotonic clock. All other times count from here.
  let startNanoseconds = MonotonicClock.nowNanoseconds()
  /// What deadlines of connections count by: without the time in which this thread stood still.
  var nowNanoseconds: Int64 = 0
  /// What everything else counts by.
  var realNanoseconds: Int64 = 0
  /// How long the wait under way may take. Negative: there is no limit.
  var waitNanoseconds: Int64 = 0
  var sendWatches = SendWatches()
  /// The tick of the timer wheel that `nowNanoseconds` lies in.
  var nowTick: UInt32 = 0
  /// Whether the reactor is in a wait that has not delivered anything yet.
  var isWaiting = false
  /// When memory is next given back, quiet connections looked for, and stopped listeners tried
  /// again. Max: never.
  var housekeepingNanoseconds = Int64.max
  var isStopping = false
  /// When what is left is reset. Max: the reactor is not stopping, or has done so.
  var resetNanoseconds = Int64.max
  /// Where resetting goes on.
  var resetIndex = 0
  /// Where the search for quiet connections goes on.
  var quiesceIndex = 0

  init(slab: ConnectionSlab, acceptGate: AcceptGate) {
    self.acceptGate = acceptGate
    wheel = TimerWheel(slab: slab)
    dirty.reserveCapacity(1024)
  }
}
