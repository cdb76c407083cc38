internal import CURing
internal import Glibc
internal import Synchronization

/// Connections that are begun here.
extension ReactorLoop {
  /// Throws if no connection can be begun, whatever it is.
  func checkRoom() throws(SystemError) {
    guard !state.value.isStopping else { throw SystemError("connect", code: ECANCELED) }
    guard reactor.slab.count < reactor.slab.capacity else {
      throw SystemError(
        "connect", code: ENOBUFS,
        advice: "The reactor has \(reactor.slab.count) connections, all that it may have.")
    }
  }

  /// Throws if a connection with this socket would leave the rest of the process too few
  /// descriptors.
  func checkReserve(_ socket: Socket) throws(SystemError) {
    guard state.value.acceptGate.refuses(socket.descriptor) else { return }
    throw SystemError(
      "connect", code: EMFILE,
      advice: "Raise RLIMIT_NOFILE (ulimit -n), \(OpenFileLimit.current) now.")
  }

  /// Takes in a socket that is connecting, or connected; on failure it stays the caller's.
  func begin(
    _ socket: Socket, peer: SocketAddress, own: SocketAddress?, isAdopted: Bool = false
  ) throws(SystemError) -> ConnectionPointer {
    try checkRoom()
    guard let connection = reactor.slab.allocate() else {
      throw SystemError("connect", code: ENOMEM)
    }
    connection.pointee.descriptor = socket.descriptor
    if isAdopted { connection.pointee.socketFlags.insert(.isAdopted) }
    guard prepareCell(of: connection, common: peer, own: own, isOutgoing: true) else {
      reactor.slab.release(connection)
      throw SystemError("connect", code: ENOMEM)
    }
    connection.pointee.lifecycle = .connecting
    do {
      try backend.connect(connection)
    } catch {
      discardCell(of: connection)
      reactor.slab.release(connection)
      throw error
    }
    connection.pointee.lastReceivedTick = state.value.nowTick
    state.value.statistics.connectionCount += 1
    reactor.counters.assignedCount.add(1, ordering: .relaxed)
    scheduleHousekeeping(afterNanoseconds: 1_000_000_000)
    return connection
  }

  package func connected(_ code: Int32, on connection: ConnectionPointer) {
    noteWake()
    guard connection.pointee.lifecycle == .connecting else { return }
    guard code == 0 else { return reactor.end(connection, code: code, reset: false) }
    connection.pointee.lifecycle = .open
    connection.pointee.lastReceivedTick = state.value.nowTick
    state.value.statistics.connectedCount &+= 1
    handler.connected(connection)
    guard connection.pointee.lifecycle != .closing else { return }
    backend.receive(on: connection)
    // The handler may have paused it before it was begun.
    if connection.pointee.flags.contains(.isReceivingPaused) {
      backend.pauseReceiving(on: connection)
    }
  }
}
