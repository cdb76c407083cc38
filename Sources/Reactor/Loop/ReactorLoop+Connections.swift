internal import CURing
internal import Glibc
internal import Synchronization

/// Connections come and go.
extension ReactorLoop {
  package func accepted(_ descriptor: Int32, listener: Int) {
    noteWake()
    noteAccepted(descriptor, at: listener)
    let isFull = reactor.slab.count == reactor.slab.capacity
    let target = listeners.target(
      ofListener: listener, acceptedBy: reactor.position, isFull: isFull)
    // Counted now, so that the next one accepted goes elsewhere.
    (target ?? reactor).counters.assignedCount.add(1, ordering: .relaxed)
    guard let target else { return admit(descriptor, listener: listener) }
    // The other reactor may have stopped by the time the job comes to run.
    target.execute { call in
      guard call == .run, let loop = ReactorLoop.current else {
        target.counters.assignedCount.subtract(1, ordering: .relaxed)
        return Socket(descriptor).close()
      }
      loop.admit(descriptor, listener: listener)
    }
  }

  package func closed(_ connection: ConnectionPointer) {
    noteWake()
    reactor.leaveTopics(connection)
    reactor.endWatching(connection)
    let queue = unsafe connection.takeQueue()
    _ = unsafe reactor.releaseAll(queue, .closed)
    handler.closed(connection, error: error(of: connection))
    discardCell(of: connection)
    reactor.slab.release(connection)
    state.value.statistics.connectionCount -= 1
    reactor.counters.assignedCount.subtract(1, ordering: .relaxed)
    if !state.value.acceptGate.paused.isEmpty { restartListeners() }
  }

  /// Takes a connected socket in, or closes it when there is no room.
  func admit(_ descriptor: Int32, listener: Int) {
    guard !state.value.isStopping, !state.value.acceptGate.refuses(descriptor),
      let connection = reactor.slab.allocate()
    else { return refuse(descriptor) }
    connection.pointee.descriptor = descriptor
    guard prepareCell(of: connection, listener: listener) else {
      reactor.slab.release(connection)
      return refuse(descriptor)
    }
    do {
      try backend.adopt(connection)
    } catch {
      discardCell(of: connection)
      reactor.slab.release(connection)
      return refuse(descriptor)
    }
    connection.pointee.lifecycle = .open
    connection.pointee.lastReceivedTick = state.value.nowTick
    state.value.statistics.connectionCount += 1
    state.value.statistics.acceptedCount &+= 1
    scheduleHousekeeping(afterNanoseconds: 1_000_000_000)
    handler.accepted(connection, listener: listener)
    guard connection.pointee.lifecycle != .closing else { return }
    backend.receive(on: connection)
    // The handler may have paused it before it was begun.
    if connection.pointee.flags.contains(.isReceivingPaused) {
      backend.pauseReceiving(on: connection)
    }
  }

  private func refuse(_ descriptor: Int32) {
    state.value.statistics.refusedCount &+= 1
    reactor.counters.assignedCount.subtract(1, ordering: .relaxed)
    Socket(descriptor).closeOrderly()
  }

  /// Fills in what other threads may read of an accepted connection, and lets its id be used.
  private func prepareCell(of connection: ConnectionPointer, listener: Int) -> Bool {
    let socket = Socket(connection.pointee.descriptor)
    let fixed = listeners.fixedAddress(ofListener: listener)
    state.value.statistics.systemCallCount &+= fixed == nil ? 2 : 1
    // A peer that has gone already has no address any more.
    let peer = try? socket.peerAddress()
    let local = fixed ?? (try? socket.localAddress())
    return prepareCell(of: connection, common: local, own: peer, isOutgoing: false)
  }

  func prepareCell(
    of connection: ConnectionPointer, common: SocketAddress?, own: SocketAddress?, isOutgoing: Bool
  ) -> Bool {
    guard let cell = reactor.port.makeCell(at: connection.pointee.index) else { return false }
    if common?.isUnix ?? own?.isUnix ?? false { connection.pointee.socketFlags.insert(.isUnix) }
    cell.pointee.setOwnAddress((own ?? .unixUnnamed).packed)
    let position = reactor.port.pointee.addresses.intern(common ?? .unixUnnamed)
    cell.pointee.setCommonAddress(position, isOutgoing: isOutgoing)
    cell.pointee.labelIndex.store(0, ordering: .relaxed)
    cell.pointee.queuedByteCount.store(0, ordering: .relaxed)
    let (index, generation) = (connection.pointee.index, connection.pointee.generation)
    reactor.port.resetSubscriptions(index, generation: generation, number: reactor.number)
    cell.pointee.setGeneration(generation, ofReactor: reactor.number)
    return true
  }

  func discardCell(of connection: ConnectionPointer) {
    guard let cell = reactor.port.cell(at: connection.pointee.index) else { return }
    let queued = cell.pointee.queuedByteCount.load(ordering: .relaxed)
    state.value.statistics.queuedByteCount &-= UInt64(queued)
    cell.pointee.queuedByteCount.store(0, ordering: .relaxed)
    let (index, generation) = (connection.pointee.index, connection.pointee.generation &+ 1)
    reactor.port.resetSubscriptions(index, generation: generation, number: reactor.number)
    cell.pointee.setGeneration(generation, ofReactor: reactor.number)
  }

  private func error(of connection: ConnectionPointer) -> SystemError? {
    let code = connection.pointee.endCode
    return code == 0 ? nil : SystemError("connection", code: Int32(code))
  }
}
