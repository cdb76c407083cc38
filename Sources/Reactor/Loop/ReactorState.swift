/// What changes in a reactor from event to event.
@safe struct ReactorState: ~Copyable {
  var pool = ChunkPool()
  var wheel: TimerWheel
  var delayedJobs = DelayedJobs()
  /// Delayed jobs are run no more.
  var hasEnded = false
  var statistics = ReactorStatistics()
  /// Connections with bytes to send, or to be shut down, at the end of the pass. Some may have been
  /// served since.
  var dirty: [ConnectionPointer] = []
  /// The connection that is being received on, if it sends at once.
  var sendingAtOnceIndex = ConnectionRecord.noIndex
  /// The bytes that are being received on it.
  var received = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// What this thread has posted to itself, and what is still in the mailbox.
  var ownPostCount = 0
  /// Connections that this thread has posted to since the mailbox was last emptied, some of them
  /// several times: see `Reactor.mustPost`.
  var ownPostTargets: [ConnectionID] = []
  /// The connection whose handler is being told of messages that it has missed.
  var announcingIndex = ConnectionRecord.noIndex
  /// Listeners whose accepting has stopped, to be tried again when a descriptor has come free or
  /// time has passed.
  var stoppedListeners: [Int] = []
  var descriptorSupply = DescriptorSupply.ample
  /// When the log may next say that accepting has stopped.
  var nextNoticeNanoseconds: Int64 = 0
  /// When the pass began that the reactor is in.
  var passStartNanoseconds: Int64 = 0
  /// When the log may next say that a pass has taken long.
  var nextSlowNoticeNanoseconds: Int64 = 0
  /// When the reactor was started, by the monotonic clock. All other times count from here.
  let startNanoseconds = MonotonicClock.nowNanoseconds()
  var nowNanoseconds: Int64 = 0
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
  /// Where the search for quiet connections goes on.
  var quiesceIndex = 0

  init(slab: ConnectionSlab) {
    wheel = TimerWheel(slab: slab)
    dirty.reserveCapacity(1024)
  }
}
