extension Reactor {
  /// Offers the kernel what a connection has queued, within the call, and not at the end of the pass. Afterwards nothing
  /// waits, or a send is in flight, or the connection has ended.
  ///
  /// A system call, for a send that would be refused otherwise. What is to be done about an empty queue is left to the
  /// end of the pass, since the handler may be in the middle of a call for this connection.
  ///
  /// - Returns: the chunks whose completions are to be called, linked, with `releaseAll`.
  func flushNow(_ connection: ConnectionPointer) -> OutboundChunkPointer? {
    // From within a completion: those of what is sent now would come before others that are to be called, and each
    // could have the next one called.
    guard !state.value.isReleasing else { return nil }
    var completed = ChunkList()
    if connection.pointee.flags.contains(.isSending) {
      settle(connection, &completed)
    } else if isSubscribed(connection), isKnownFull(connection) {
      withdraw(connection)
    }
    offerQueue(of: connection, &completed)
    if connection.pointee.lifecycle == .open { markDirty(connection) }
    return unsafe completed.first
  }

  /// Gives chunks back, linked, and calls their completions in order. Returns how many there were.
  func releaseAll(_ first: OutboundChunkPointer?, _ outcome: SendOutcome) -> Int {
    guard unsafe first != nil else { return 0 }
    var next = unsafe first
    let isNested = state.value.isReleasing
    state.value.isReleasing = true
    var count = 0
    while let chunk = unsafe next {
      unsafe next = chunk.pointee.next
      unsafe release(chunk, outcome)
      count += 1
    }
    state.value.isReleasing = isNested
    return count
  }

  /// As `send`, for the response to an opening handshake, before anything else is sent: no limit counts it.
  public func sendHandshake(_ bytes: RawSpan, on connection: ConnectionPointer) {
    let isFirst = connection.pointee.queuedByteCount == 0
    send(bytes, on: connection)
    guard isFirst, let chunk = unsafe connection.pointee.sendHead else { return }
    unsafe chunk.pointee.flags.insert(.beginsWithHandshake)
    unsafe chunk.pointee.handshakeEnd = UInt32(clamping: chunk.pointee.end)
  }

  /// A send in flight may have ended already, without its completion having been taken.
  private func settle(_ connection: ConnectionPointer, _ completed: inout ChunkList) {
    switch backend.settleSend(on: connection) {
    case .handed(let byteCount):
      connection.pointee.flags.remove(.isSending)
      take(byteCount, from: connection, &completed)
    case .blocked(let byteCount), .pending(let byteCount):
      take(byteCount, from: connection, &completed)
    case .failed(let code):
      end(connection, code: code, reset: false)
    }
  }

  private func offerQueue(of connection: ConnectionPointer, _ completed: inout ChunkList) {
    var isFull = false
    while !connection.pointee.flags.contains(.isSending), connection.pointee.lifecycle == .open,
      let batch = unsafe connection.gather(into: vectors)
    {
      state.value.statistics.sendCount &+= 1
      // What does not fit waits for room, so that nobody tries again before there is some.
      let start =
        isFull
        ? backend.send(batch, on: connection) : backend.sendSynchronously(batch, on: connection)
      switch start {
      case .handed(let byteCount):
        take(byteCount, from: connection, &completed)
        isFull = byteCount < batch.byteCount
        if isFull { withdrawTopics(connection) }
      case .blocked(let byteCount):
        connection.pointee.flags.insert(.isSending)
        take(byteCount, from: connection, &completed)
        withdrawTopics(connection)
      case .pending(let byteCount):
        connection.pointee.flags.insert(.isSending)
        take(byteCount, from: connection, &completed)
      case .failed(let code):
        end(connection, code: code, reset: false)
      }
    }
  }

  private func withdrawTopics(_ connection: ConnectionPointer) {
    if isSubscribed(connection) { withdraw(connection) }
  }

  private func take(
    _ byteCount: Int, from connection: ConnectionPointer, _ completed: inout ChunkList
  ) {
    guard byteCount > 0 else { return }
    countSent(byteCount, on: connection)
    var next = unsafe connection.consume(byteCount, pool: &state.value.pool)
    while let chunk = unsafe next {
      unsafe next = chunk.pointee.next
      unsafe completed.append(chunk)
    }
  }
}
