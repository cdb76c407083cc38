import WebSocket

/// One end of a connection as the model sees it: what it has sent, and what it has been told.
final class Session: CustomStringConvertible {
  let number: Int
  let isServer: Bool
  let dial: Int
  var connection: Connection?
  /// The other end, once a message has told.
  var peer: Session?
  var openedCount = 0
  var closure: Closure?
  /// When it was opened, and when something of the peer's was last given to the handler.
  var openedNanoseconds: Int64 = 0
  var heardNanoseconds: Int64 = 0
  /// What other threads have sent, and what its reactor's own has: see `laneNumber`.
  let lanes = (0..<16).map { _ in Lane() }
  /// Which of its messages are the peer's, sent back unchanged; by the peer's lane and number.
  var echoes: [[Int]: (lane: Lane, number: Int)] = [:]
  /// Messages that were sent, in all lanes.
  var sendCount = 0
  /// The threads that are in the middle of a call that sends.
  var callers: [Int] = []
  /// A server's: who changes its subscriptions, the reactor's thread or another.
  let isSubscribedByOwner: Bool
  /// Who sends it messages in fragments, the reactor's thread or another: fragments of two would be
  /// taken for those of one message.
  let isFragmentedByOwner: Bool
  /// A server's: whether its peer is told of each gap in a topic.
  var tellsGaps: Bool { number / 4 % 2 == 0 }
  /// The lane of what a handler sends when it is told of a gap.
  static let announcementLane = 15
  /// A marker of a subscription was dropped: what it is sent of topics means nothing any more.
  var isLenient = false
  /// A send was answered with `.backpressure` or `.dropped`, and `drained` has not followed.
  var owesDrained = false
  var drainedCount = 0
  var hasSentFragments = false
  /// It has sent as text what is none: its peer is to end the connection.
  var hasSentMalformed = false
  /// The message that is being sent in fragments.
  var fragments: Fragments?
  /// Completions that have told of a message dropped, and those that have done something else then.
  var lossCount = 0
  var sequelCount = 0
  /// A server's subscriptions, by topic.
  var subscriptions: [Subscription]
  var hasSubscribed = false
  /// Subscriptions that another thread has asked for, and that have not come to its reactor yet.
  var subscribingCount = 0
  /// Bytes of frames: of all messages so far, and of the longest.
  var sentByteCount = 0
  /// Bytes of messages whose completions have told that they were sent; and what the kernel had taken
  /// when that was last asked.
  var completedByteCount = 0
  var takenByteCount = 0
  /// Bytes in its queue, if they are more than it may have all the time; else 0.
  var tolerated = 0
  var longestByteCount = 0
  var pings = Pings()
  /// Broadcasts that have come, the last one last.
  var broadcasts: [Int] = []
  var closing = Closing()

  /// What a session has asked of a topic, and what its peer has got.
  struct Subscription {
    /// As whoever changes it has asked.
    var isWanted = false
    /// The next ordinal that the peer may get. Nil: none, it is not subscribed as far as it has
    /// been told.
    var next: Int?
    var startNumber = 0
    /// Messages that the peer has seen to be missing, and those that `lagged` has told of.
    var missing: [Int] = []
    var reportedCount = 0
    /// What `lagged` has told of, and the peer has not been told yet.
    var toldGaps: [TopicGap] = []
    /// How often it was left without the peer having heard of it yet.
    var openEndCount = 0
    /// A change has made the two figures incomparable.
    var isInexact = false
    /// Messages before this one were there when it subscribed: what is sent directly does not wait
    /// for them.
    var replayEnd = 0
    /// No message up to here may come any more: what was sent behind it has come.
    var floor = 0
  }

  init(_ number: Int, isServer: Bool, dial: Int) {
    self.number = number
    self.isServer = isServer
    self.dial = dial
    isSubscribedByOwner = number % 2 == 0
    isFragmentedByOwner = number / 2 % 2 == 0
    subscriptions = isServer ? Array(repeating: Subscription(), count: 3) : []
  }

  var description: String { "\(isServer ? "server" : "client")'s \(number)" }

  var isOpen: Bool { openedCount == 1 && closure == nil }

  /// The peer's end, if both are open.
  var openPeer: Session? {
    guard isOpen, let peer, peer.isOpen else { return nil }
    return peer
  }

  /// The lane of what a thread sends: 0 for those that are no reactor's, 1 for its own reactor's, one
  /// for each other reactor's; and as many for what is sent in the middle of such a call, by a
  /// completion that it has called: that may overtake what the call itself sends.
  func laneNumber(thread: Int, isOwner: Bool) -> Int {
    let number = isOwner ? 1 : thread == 0 ? 0 : 1 + thread
    return callers.contains(thread) ? number + 8 : number
  }

  /// A message is about to be sent in fragments over several passes.
  func spreadFragments() {
    fragments?.isSpread = true
    for lane in lanes { lane.meetFragments() }
  }
}

/// A message that is being sent in fragments.
struct Fragments {
  let lane: Lane
  let number: Int
  let bytes: [UInt8]
  let isText: Bool
  /// Where they end.
  let ends: [Int]
  /// The thread that sends them: 0, or the reactor's own.
  let thread: Int
  /// One is sent in a pass.
  let isSlow: Bool
  /// Each of them has one.
  let hasCompletion: Bool
  var sentCount = 0
  /// Others may send in between.
  var isSpread = false

  var isLast: Bool { sentCount == ends.count - 1 }
  var next: ArraySlice<UInt8> {
    bytes[(sentCount == 0 ? 0 : ends[sentCount - 1])..<ends[sentCount]]
  }
}
