/// How a connection waits for bytes: kept in `ConnectionRecord.backendState`.
struct ReceiveState: OptionSet {
  let rawValue: UInt8

  /// The reactor wants bytes, and their end has not come.
  static let isWanted = ReceiveState(rawValue: 1 << 0)
  /// A multishot receive is with the kernel.
  static let isMultishot = ReceiveState(rawValue: 1 << 1)
  /// A receive of one buffer is with the kernel.
  static let isSingle = ReceiveState(rawValue: 1 << 2)
  /// A poll is with the kernel.
  static let isPolling = ReceiveState(rawValue: 1 << 3)
  /// The kernel has been asked to end what it has.
  static let isCancelling = ReceiveState(rawValue: 1 << 4)
  /// Nothing was received for a while: waits with a poll.
  static let isQuiet = ReceiveState(rawValue: 1 << 5)
  /// Carries large messages: waits with a poll, and reads into the hot buffer.
  static let isLarge = ReceiveState(rawValue: 1 << 6)
  /// The reactor has closed the connection.
  static let isClosing = ReceiveState(rawValue: 1 << 7)

  /// Receiving is paused, and a poll is with the kernel that tells of errors. Nothing else has both.
  static let isPollingForError: ReceiveState = [.isSingle, .isPolling]

  /// One of these is with the kernel, or none.
  static let armed: ReceiveState = [.isMultishot, .isSingle, .isPolling]
  var isArmed: Bool { !isDisjoint(with: .armed) }
}

/// How a connection sends: kept in `ConnectionRecord.backendSendState`.
struct SendState: OptionSet {
  let rawValue: UInt8

  /// The last send did not find room for all: the next one waits for room first.
  static let isBlocked = SendState(rawValue: 1 << 0)
  /// The inline send that still stands in the list was reported already, as short or failed.
  static let hasReported = SendState(rawValue: 1 << 1)
  /// A send with a completion of its own is with the kernel.
  static let isWaiting = SendState(rawValue: 1 << 2)
  /// A send has failed, and with that has taken the socket's error: receiving sees a clean end.
  static let hasFailed = SendState(rawValue: 1 << 3)
  /// The socket is connecting. Its descriptor is the process's, whatever those of others are.
  static let isConnecting = SendState(rawValue: 1 << 4)
  /// What the inline send that was short has sent has been told before its completion was delivered.
  static let isCounted = SendState(rawValue: 1 << 5)
}

extension ConnectionRecord {
  var receiveState: ReceiveState {
    @inline(__always) get { ReceiveState(rawValue: backendState) }
    @inline(__always) set { backendState = newValue.rawValue }
  }

  var sendState: SendState {
    @inline(__always) get { SendState(rawValue: backendSendState) }
    @inline(__always) set { backendSendState = newValue.rawValue }
  }

  var isConnecting: Bool { sendState.contains(.isConnecting) }
  var isClosingDown: Bool { receiveState.contains(.isClosing) }
}
