/// What a reactor knows of one connection. Only the owning reactor's thread touches it; what other
/// threads may read is in `SharedCell`.
///
/// 64 bytes: with the shared cell and what the handler attaches, an idle connection has a budget of
/// 200 bytes.
@safe @usableFromInline package struct ConnectionRecord {
  /// Where the record stands in the slab: constant.
  @usableFromInline package let index: UInt32
  /// Counts up by one at each opening and each closing: odd while in use. A completion, handle or
  /// posted chunk that names another generation belongs to one of those and is dropped.
  @usableFromInline package var generation: UInt32 = 0

  /// The socket; with direct descriptors the index in the ring's table. -1: none.
  package var descriptor: Int32 = -1
  @usableFromInline package var lifecycle = Lifecycle.free
  @usableFromInline package var flags = ConnectionFlags()
  /// The backend's own notes: how it receives and sends on this connection.
  var backendState: UInt8 = 0
  var backendSendState: UInt8 = 0
  /// The backend's own count of what it has seen in a row.
  var backendStreak: UInt8 = 0
  /// The backend's own count of operations that the kernel has not ended.
  var backendOperationCount: UInt8 = 0
  /// The list of the timer wheel that it stands in: the low bits of a tick.
  var timerPlace: UInt16 = 0
  /// Why it ends: errno, or 0 for the orderly end.
  var endCode: UInt8 = 0
  @usableFromInline var topicFlags = TopicFlags()
  var socketFlags = SocketFlags()
  /// The backend's own notes of its turns at receiving.
  var turnNotes = TurnNotes()

  /// The bytes that wait to be sent, oldest first. The first of them may be in a send.
  var sendHead: OutboundChunkPointer?
  @usableFromInline var sendTail: OutboundChunkPointer?
  /// All bytes from `sendHead` to `sendTail`.
  @usableFromInline var queuedByteCount = 0

  /// Neighbours in the timer wheel's list, or in the free list (`timerNext`).
  var timerNext = ConnectionRecord.noIndex
  var timerPrevious = ConnectionRecord.noIndex
  /// When the handler wants to be called: a tick of the timer wheel.
  var deadlineTick: UInt32 = 0
  /// When bytes last arrived, or the peer was last seen to take what it is sent: a tick of the timer
  /// wheel.
  var lastReceivedTick: UInt32 = 0

  static let noIndex = UInt32.max

  init(index: UInt32) {
    self.index = index
  }
}

/// The life of a record. It goes downwards only, and may skip cases.
@usableFromInline package enum Lifecycle: UInt8, Sendable {
  case free
  /// The socket is not connected yet. Nothing can be sent.
  case connecting
  /// Receives and sends.
  case open
  /// No new bytes are taken for sending; FIN follows the last queued byte.
  case finishing
  /// FIN is sent; what still arrives is dropped, until the peer's FIN or the deadline.
  case lingering
  /// The backend has been told to close.
  case closing
}

@usableFromInline struct TopicFlags: OptionSet {
  @usableFromInline let rawValue: UInt8

  @inlinable
  init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// It has subscriptions.
  static var isSubscribed: TopicFlags { TopicFlags(rawValue: 1 << 0) }
  /// `Reactor.holdTopics`.
  static var isHeld: TopicFlags { TopicFlags(rawValue: 1 << 1) }
  /// It has left them all, and can subscribe no more.
  static var hasLeft: TopicFlags { TopicFlags(rawValue: 1 << 2) }
  /// Its reactor's thread has posted to it, see `Reactor.mustPost`, and that may be on its way.
  static var hasOwnPosts: TopicFlags { TopicFlags(rawValue: 1 << 3) }

  /// They are kept as `ManySubscriptions`.
  static var hasManySubscriptions: TopicFlags { TopicFlags(rawValue: 1 << 4) }

  /// Whether it is sent messages of topics now.
  var areTopicsSent: Bool {
    subtracting([.hasOwnPosts, .hasManySubscriptions]) == .isSubscribed
  }
}

@usableFromInline package struct ConnectionFlags: OptionSet, Sendable {
  @usableFromInline package let rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// It has bytes to send and stands in the reactor's list of such connections.
  @usableFromInline static var isDirty: ConnectionFlags { ConnectionFlags(rawValue: 1 << 0) }
  /// A send is in flight.
  static let isSending = ConnectionFlags(rawValue: 1 << 1)
  /// The peer has sent FIN, or receiving has failed.
  static let hasReceivedEnd = ConnectionFlags(rawValue: 1 << 2)
  /// Someone was told of backpressure; `drained` is owed.
  static let owesDrained = ConnectionFlags(rawValue: 1 << 3)
  /// Its sends are tried with a system call at once, not at the end of the pass. Set by the
  /// backend.
  package static let sendsAtOnce = ConnectionFlags(rawValue: 1 << 4)
  /// Stands in the timer wheel.
  static let isTimed = ConnectionFlags(rawValue: 1 << 5)
  /// The handler asked for no further bytes.
  static let isReceivingPaused = ConnectionFlags(rawValue: 1 << 6)
  /// Its cell says that bytes are queued.
  static let hasPublishedQueue = ConnectionFlags(rawValue: 1 << 7)
}

/// What is rarely true of a connection.
@usableFromInline struct SocketFlags: OptionSet, Sendable {
  @usableFromInline let rawValue: UInt8

  @inlinable
  init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Its socket was somebody else's before, who may still hold it.
  static let isAdopted = SocketFlags(rawValue: 1 << 0)
  /// `ReactorState.sendWatches` has an entry for it.
  static let isWatched = SocketFlags(rawValue: 1 << 1)
  /// The backend's note: receiving is paused, and has not ended.
  static let isPaused = SocketFlags(rawValue: 1 << 2)
  /// The backend has been asked to examine it, and has not answered.
  static let isExamined = SocketFlags(rawValue: 1 << 3)
  /// A Unix socket: nothing counts what the peer has acknowledged.
  static let isUnix = SocketFlags(rawValue: 1 << 4)
}
