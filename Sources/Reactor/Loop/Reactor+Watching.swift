internal import Glibc

/// Whether a peer takes what it is sent. All on the reactor's own thread.
extension Reactor {
  /// Waits for an answer of the peer's to what it is sent, in place of an earlier deadline:
  /// `ConnectionHandler.sendingExpired` follows when so many milliseconds have passed since the peer
  /// took the last byte, by a quarter of them late at most; or when it has still bytes to take, and has
  /// taken none, or fewer than `ReactorConfiguration.sendRateMin`, for `sendTimeoutMilliseconds`.
  /// `setDeadline` ends this.
  public func awaitAnswer(on connection: ConnectionPointer, milliseconds: Int) {
    guard connection.pointee.lifecycle != .closing else { return }
    let limits = SendWatch.Limits(
      answerNanoseconds: Self.nanoseconds(milliseconds: milliseconds),
      stallNanoseconds: Self.nanoseconds(milliseconds: configuration.sendTimeoutMilliseconds))
    connection.pointee.socketFlags.insert(.isWatched)
    state.value.sendWatches[connection.pointee.index] = SendWatch(
      limits: limits, nowNanoseconds: state.value.nowNanoseconds)
    setNextLook(at: connection)
  }

  /// Asks the kernel how a connection does: `ConnectionHandler.examined` follows, from the next wait
  /// on, behind all that has been received by then. Costs three system calls. A deadline that was set
  /// stays.
  public func examine(_ connection: ConnectionPointer) {
    guard connection.pointee.lifecycle == .open else { return }
    if !connection.pointee.socketFlags.contains(.isWatched) {
      connection.pointee.socketFlags.insert(.isWatched)
      state.value.sendWatches[connection.pointee.index] = SendWatch(
        limits: nil, nowNanoseconds: state.value.nowNanoseconds)
    }
    // If an answer is on its way already, it is the answer to this as well.
    guard !connection.pointee.socketFlags.contains(.isExamined) else { return }
    connection.pointee.socketFlags.insert(.isExamined)
    backend.examine(connection)
  }

  /// The peer was heard of: as if bytes had been received now.
  public func noteAlive(_ connection: ConnectionPointer) {
    connection.pointee.lastReceivedTick = state.value.nowTick
  }

  /// Looks are compared no more, and what has been asked is not answered.
  public func endWatching(_ connection: ConnectionPointer) {
    guard connection.pointee.socketFlags.contains(.isWatched) else { return }
    connection.pointee.socketFlags.remove(.isWatched)
    state.value.sendWatches[connection.pointee.index] = nil
  }

  /// Another deadline has come in place of that for an answer. Looks can still be compared.
  func stopAwaitingAnswer(on connection: ConnectionPointer) {
    guard connection.pointee.socketFlags.contains(.isWatched) else { return }
    state.value.sendWatches[connection.pointee.index]?.limits = nil
  }

  /// Bytes of a connection have been given to the kernel.
  @inline(__always)
  func countSent(_ byteCount: Int, on connection: ConnectionPointer) {
    state.value.statistics.sentByteCount &+= UInt64(byteCount)
    guard connection.pointee.socketFlags.contains(.isWatched) else { return }
    state.value.sendWatches[connection.pointee.index]?.handedByteCount += Int64(byteCount)
  }

  func setNextLook(at connection: ConnectionPointer) {
    let now = state.value.nowNanoseconds
    guard let watch = state.value.sendWatches[connection.pointee.index],
      let wait = watch.nanosecondsToNextLook(nowNanoseconds: now)
    else { return }
    state.value.wheel.set(connection, tick: TimerWheel.tick(atNanoseconds: now + wait))
  }
}

extension ReactorLoop {
  /// The time has come to look at a connection whose sending is watched. False: it is not.
  func look(at connection: ConnectionPointer) -> Bool {
    guard connection.pointee.socketFlags.contains(.isWatched),
      state.value.sendWatches[connection.pointee.index]?.limits != nil
    else { return false }
    guard !connection.pointee.socketFlags.contains(.isExamined) else { return true }
    connection.pointee.socketFlags.insert(.isExamined)
    backend.examine(connection)
    return true
  }

  package func examined(_ bytes: SocketBytes, on connection: ConnectionPointer) {
    noteWake()
    connection.pointee.socketFlags.remove(.isExamined)
    guard connection.pointee.socketFlags.contains(.isWatched),
      connection.pointee.lifecycle != .closing
    else { return }
    let now = state.value.nowNanoseconds
    let hasTakenBytes =
      state.value.sendWatches[connection.pointee.index]?.look(
        bytes, queuedByteCount: connection.pointee.queuedByteCount, nowNanoseconds: now,
        byteCountPerSecond: reactor.configuration.sendRateMin) ?? false
    let condition = ConnectionCondition(
      hasTakenBytes: hasTakenBytes,
      hasUnacknowledgedBytes: connection.pointee.queuedByteCount > 0
        || bytes.unacknowledgedByteCount ?? 0 > 0,
      hasUnreadBytes: bytes.unreadByteCount ?? 0 > 0)
    guard
      let wait = state.value.sendWatches[connection.pointee.index]?
        .nanosecondsToNextLook(nowNanoseconds: now)
    else { return handler.examined(condition, on: connection) }
    guard wait == 0 else { return reactor.setNextLook(at: connection) }
    reactor.endWatching(connection)
    switch connection.pointee.lifecycle {
    case .open: handler.sendingExpired(condition, on: connection)
    // The peer has had its time to take the last bytes and to say that it has. What it has
    // acknowledged is its own, and a reset might take it away.
    case .finishing, .lingering:
      reactor.end(connection, code: ETIMEDOUT, reset: condition.hasUnacknowledgedBytes)
    case .free, .connecting, .closing: break
    }
  }
}
