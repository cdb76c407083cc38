internal import Synchronization

/// How many bytes a connection may have waiting to be sent, and what happens when they are too
/// many. A send that would not fit has the kernel offered what waits first, within the call; only what
/// the kernel does not take counts, and not the response to the opening handshake.
public struct QueueLimits: Sendable, Equatable {
  /// Bytes that may wait. One send is always taken when nothing waits, however large it is.
  public var byteCountMax: Int
  /// Bytes from which on a sender is told of backpressure.
  public var backpressureByteCount: Int
  /// What happens to a send that would not fit. Default: the connection is closed.
  public var overflow: Overflow

  /// What happens to a send that the queue has no room for.
  public enum Overflow: UInt8, Sendable, CaseIterable {
    /// The new one is dropped, and its sender told.
    case dropNewest
    /// The oldest that wait are dropped to make room.
    case dropOldest
    /// The connection is closed: the peer reads too slowly. What other threads post is dropped as long
    /// as the owning reactor has not looked at `byteCountMax` bytes of theirs: that says nothing about
    /// the peer.
    case close
  }

  /// - Parameters:
  ///   - byteCountMax: bytes that may wait; 1 MiB by default.
  ///   - backpressureByteCount: bytes from which on a sender is told of backpressure; 64 KiB by default.
  ///   - overflow: what happens to a send that would not fit.
  public init(
    byteCountMax: Int = 1 << 20, backpressureByteCount: Int = 64 << 10, overflow: Overflow = .close
  ) {
    self.byteCountMax = byteCountMax
    self.backpressureByteCount = backpressureByteCount
    self.overflow = overflow
  }
}

/// What a queue says to bytes that are to be sent.
public enum QueueAdmission: Sendable, Equatable {
  /// On the reactor's thread also whatever finds an empty queue, since that leaves at the end of
  /// the pass.
  case accepted
  /// Accepted, and the queue is at or above `QueueLimits.backpressureByteCount` with it.
  case acceptedWithBackpressure
  /// No room: to be dropped.
  case dropped
  /// No room: the connection is to be closed.
  case overflow
  /// The connection has gone, or takes no more.
  case closed
}

extension Reactor {
  /// Asks whether so many bytes may be queued on a connection, and drops others to make room if
  /// that is the policy. The reactor's thread.
  @inline(__always)
  public func admit(
    _ byteCount: Int, to connection: ConnectionPointer
  ) -> QueueAdmission {
    guard canSend(on: connection) else { return .closed }
    guard connection.pointee.queuedByteCount > 0 else { return .accepted }
    return admitBehindOthers(byteCount, to: connection)
  }

  /// As `admit`, for what another thread has posted after it asked `ConnectionID.admission`. With
  /// `dropNewest` its sender has been told that it would be sent, by what was known there; and so
  /// it is, although the queue exceeds its limit then: by no more than what can be posted within
  /// two passes, which is bounded by the same limit.
  public func admitPosted(
    _ byteCount: Int, to connection: ConnectionPointer
  ) -> QueueAdmission {
    let admission = admit(byteCount, to: connection)
    guard admission == .dropped, configuration.queue.overflow == .dropNewest else {
      return admission
    }
    return .acceptedWithBackpressure
  }

  private func admitBehindOthers(
    _ byteCount: Int, to connection: ConnectionPointer
  ) -> QueueAdmission {
    guard hasRoom(byteCount, on: connection) else {
      return admitBeyondLimit(byteCount, to: connection)
    }
    return accept(byteCount, on: connection)
  }

  /// What is queued may only be waiting for the end of the pass: the kernel is offered it first, and what it does not
  /// take counts. The completions of what it takes are called when this is decided, and may send in their turn.
  private func admitBeyondLimit(
    _ byteCount: Int, to connection: ConnectionPointer
  ) -> QueueAdmission {
    let flushed = unsafe flushNow(connection)
    guard canSend(on: connection) else {
      _ = unsafe releaseAll(flushed, .sent)
      return .closed
    }
    if hasRoom(byteCount, on: connection) {
      let admission = accept(byteCount, on: connection)
      _ = unsafe releaseAll(flushed, .sent)
      return admission
    }
    _ = unsafe releaseAll(flushed, .sent)
    switch configuration.queue.overflow {
    case .close: return .overflow
    case .dropNewest: break
    case .dropOldest:
      let excess = byteCount - room(on: connection)
      // The rest is in the kernel's hands, or may not be dropped. Then nothing is, in vain.
      if excess > 0, connection.canDrop(excess) { _ = dropOldest(excess, on: connection) }
      // Completions may have sent something else.
      if hasRoom(byteCount, on: connection) { return accept(byteCount, on: connection) }
    }
    reportBackpressure(on: connection)
    return .dropped
  }

  private func accept(_ byteCount: Int, on connection: ConnectionPointer) -> QueueAdmission {
    let queuedByteCount = connection.pointee.queuedByteCount
    guard queuedByteCount > 0,
      queuedByteCount + byteCount >= configuration.queue.backpressureByteCount
    else { return .accepted }
    reportBackpressure(on: connection)
    return .acceptedWithBackpressure
  }

  /// Whether so many bytes fit into the queue. Any number does if nothing waits that counts.
  func hasRoom(_ byteCount: Int, on connection: ConnectionPointer) -> Bool {
    let limit = configuration.queue.byteCountMax
    if byteCount <= limit - connection.pointee.queuedByteCount { return true }
    let room = room(on: connection)
    return byteCount <= room || room == limit
  }

  /// The limit, less what waits and counts: not what is of topics and has not been offered to the kernel, nor the
  /// response to the opening handshake.
  private func room(on connection: ConnectionPointer) -> Int {
    configuration.queue.byteCountMax
      - (connection.pointee.queuedByteCount - untriedTopicByteCount(of: connection)
        - connection.handshakeByteCount)
  }
}

extension ConnectionID {
  /// Asks whether so many bytes may be posted. With `dropNewest` the answer holds: see
  /// `Reactor.admitPosted`. With other policies the owning reactor decides again when they arrive,
  /// by what is queued then, and the completion tells. Any thread.
  public func admission(of byteCount: Int) -> QueueAdmission {
    guard let port = ReactorPort.live(reactor), let cell else { return .closed }
    // First: what is not posted any more is queued.
    let posted = cell.pointee.postedByteCount
    let queued = posted + cell.pointee.queuedByteCount.load(ordering: .relaxed)
    let limits = port.queueLimits
    // A cell can count no more: half of that leaves threads that ask at once enough.
    guard byteCount <= SharedCell.postedByteCountMax / 2 - posted else { return .dropped }
    if queued > 0, byteCount > limits.byteCountMax - queued {
      switch limits.overflow {
      case .dropNewest: return .dropped
      // The owner makes room, or closes; but what it has not even seen yet is bounded too.
      case .dropOldest, .close:
        if posted > 0, byteCount > limits.byteCountMax - posted { return .dropped }
      }
      return .acceptedWithBackpressure
    }
    return queued + byteCount >= limits.backpressureByteCount
      ? .acceptedWithBackpressure : .accepted
  }

  /// A sender has been told that what it wanted to post is dropped: `ConnectionHandler.drained` is
  /// to follow. Any thread. The owner hears of it once for all who are refused until it does:
  /// whoever goes on trying must not fill its mailbox with that.
  public func reportRefusal() {
    guard let cell, cell.pointee.noteRefusal() else { return }
    let index = index
    ReactorPort.execute(
      { call in
        guard call == .run, let own = Reactor.current else { return }
        own.port.cell(at: index)?.pointee.takeRefusal()
        // Of whoever has the place: another one's may have been counted in.
        let connection = own.slab.record(at: index)
        guard connection.pointee.lifecycle == .open else { return }
        own.reportBackpressure(on: connection)
        // All may have left by now.
        own.markDirty(connection)
      }, onReactor: reactor)
  }
}
