internal import Reactor
internal import WebSocketProtocol

/// What the engine keeps with each connection, in front of the application's state.
@safe struct WebSocketRecord: ~Copyable {
  var session: Session
  var phase = Phase.handshake
  var flags = Flags()
  /// Open, no close frame sent, no fragmented message being sent, no masking: a message may be sent
  /// by the shortcut as far as the protocol goes.
  var canSendMessages = false
  /// Bytes that wait for more to come. An idle connection has none.
  var pending: PendingPointer?

  init(role: Role) {
    session = Session(role: role)
  }

  enum Phase: UInt8 {
    /// The peer's part of the opening handshake has not arrived whole.
    case handshake
    case open
    /// Open, for a handler of frames.
    case raw
    /// A client's: the server has refused, and says why.
    case refused
    /// No more is taken from the peer; the application has been told.
    case ended
  }

  struct Flags: OptionSet {
    let rawValue: UInt8

    /// The state behind the record is initialized, and `closed` is owed.
    static let hasState = Flags(rawValue: 1 << 0)
    /// The queue has overflowed, and the application is to be told.
    static let hasOverflowed = Flags(rawValue: 1 << 1)
    /// A fragmented message is being sent: no other data may come between.
    static let isSendingFragments = Flags(rawValue: 1 << 2)
    /// A pong waits behind much else: until it has left, no other is queued.
    static let isPongWaiting = Flags(rawValue: 1 << 3)
    /// A message has been queued in fragments, and the queue has not been seen empty since.
    static let mayHaveFragmentsQueued = Flags(rawValue: 1 << 4)
    /// The time for the opening handshake is over, but for what had arrived by then.
    static let isHandshakeOverdue = Flags(rawValue: 1 << 5)
  }
}

extension ConnectionPointer {
  static var stateOffset: Int { (MemoryLayout<WebSocketRecord>.size + 15) & ~15 }

  var webSocket: WebSocketRecord {
    @inline(__always) unsafeAddress {
      unsafe UnsafePointer(attachment.assumingMemoryBound(to: WebSocketRecord.self))
    }
    @inline(__always) nonmutating unsafeMutableAddress {
      unsafe attachment.assumingMemoryBound(to: WebSocketRecord.self)
    }
  }

  /// Where the application's state is.
  @unsafe var state: UnsafeMutableRawPointer {
    unsafe attachment + Self.stateOffset
  }
}
