/// What an epoll backend keeps of a connection, in its record's `backendState`.
struct EpollConnectionState: OptionSet {
  let rawValue: UInt8

  /// The reactor wants received bytes.
  static let isReceiving = EpollConnectionState(rawValue: 1 << 0)
  /// The kernel has signalled bytes, an end or an error, and they have not been read to the last.
  static let isReadable = EpollConnectionState(rawValue: 1 << 1)
  /// An end or an error has been signalled: a short read does not mean that nothing more is to be
  /// read.
  static let isHungUp = EpollConnectionState(rawValue: 1 << 2)
  /// `receiveEnded` has been reported.
  static let hasReceivedEnd = EpollConnectionState(rawValue: 1 << 3)
  /// The socket was full: `sent` is owed at the next edge.
  static let isSendPending = EpollConnectionState(rawValue: 1 << 4)
  /// A send has failed. It may have taken the error away from the receive that would have shown it.
  static let hasSendFailed = EpollConnectionState(rawValue: 1 << 5)
  /// Stands in the list of those that have bytes to be read, without a further signal from the
  /// kernel.
  static let isListed = EpollConnectionState(rawValue: 1 << 6)
  /// Has been closed: only `closed` is still to be reported.
  static let isClosed = EpollConnectionState(rawValue: 1 << 7)
}

extension ConnectionPointer {
  var epollState: EpollConnectionState {
    @inline(__always) get { EpollConnectionState(rawValue: pointee.backendState) }
    @inline(__always) nonmutating set { pointee.backendState = newValue.rawValue }
  }
}
