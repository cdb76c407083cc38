internal import CURing
internal import Glibc

extension EpollBackend {
  func receive(on connection: ConnectionPointer) {
    var state = connection.epollState
    assert(!state.contains(.isClosed))
    state.insert(.isReceiving)
    connection.epollState = state
    if state.contains(.isReadable) { list(connection) }
  }

  func pauseReceiving(on connection: ConnectionPointer) {
    connection.epollState.remove(.isReceiving)
    // It may have been a reset that was signalled, and will not be again.
    if connection.epollState.contains(.isHungUp) { list(connection) }
  }

  /// A connection whose receiving is paused has an error: it was reset, and its bytes are of no use.
  func deliverError(of connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    guard connection.epollState.isDisjoint(with: [.isClosed, .hasReceivedEnd]) else { return }
    hot.value.otherSystemCallCount += 1
    let code = Socket(connection.pointee.descriptor).takeError()
    guard code != 0 else { return }
    connection.epollState.insert(.hasReceivedEnd)
    receiver.receiveEnded(code, on: connection)
  }

  func examine(_ connection: ConnectionPointer) {
    hot.value.examining.append(EpollToken(connection))
  }

  /// Asks the kernel last: what it says has not been received is what is left.
  func deliverExamined(to receiver: any CompletionReceiver) {
    for _ in 0..<hot.value.examining.count {
      guard let token = hot.value.examining.popFirst() else { break }
      guard let connection = slab.record(at: token.index, generation: token.generation),
        !connection.epollState.contains(.isClosed)
      else { continue }
      hot.value.otherSystemCallCount += Socket.bytesCallCount
      receiver.examined(Socket(connection.pointee.descriptor).bytes, on: connection)
    }
  }

  /// Remembers what the kernel has signalled of a connection: it will not say it again.
  func noteReadable(_ events: UInt32, of connection: ConnectionPointer) {
    let ends = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
    guard events & (EPOLLIN.rawValue | ends) != 0,
      connection.epollState.isDisjoint(with: [.isClosed, .hasReceivedEnd])
    else { return }
    connection.epollState.insert(events & ends == 0 ? .isReadable : [.isReadable, .isHungUp])
  }

  /// Has a connection that was signalled receive: at once; behind all others, if its bytes are known
  /// to cost much; or first of all in the next wait, if there is no time.
  func receiveInTurn(on connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    if connection.pointee.turnNotes.contains(.isCostly) {
      connection.epollState.insert(.isListed)
      hot.value.backlog.append(EpollToken(connection))
    } else if hot.value.budget.allowsAnother() {
      receiveBytes(on: connection, to: receiver)
    } else {
      connection.epollState.insert(.isListed)
      hot.value.owed.append(EpollToken(connection))
    }
  }

  /// Gives those a turn that an earlier wait had no time for. Returns whether there was one.
  func deliverOwed(to receiver: any CompletionReceiver) -> Bool {
    let count = hot.value.owed.count
    for _ in 0..<count {
      guard hot.value.budget.allowsAnother(), let token = hot.value.owed.popFirst() else { break }
      receiveListed(token, to: receiver)
    }
    return count > 0
  }

  /// Gives each connection of the backlog a turn, as far as there is time: there is some for it
  /// however much else has come.
  func deliverBacklog(to receiver: any CompletionReceiver) {
    if !hot.value.backlog.isEmpty {
      hot.value.budget.extend(byNanoseconds: configuration.backlogNanosecondsMin)
    }
    while !hot.value.backlog.isEmpty, hot.value.budget.allowsAnother(),
      let token = hot.value.backlog.popFirst()
    {
      receiveListed(token, to: receiver)
    }
    while let token = hot.value.served.popFirst() { hot.value.backlog.append(token) }
  }

  private func receiveListed(_ token: EpollToken, to receiver: any CompletionReceiver) {
    guard let connection = slab.record(at: token.index, generation: token.generation) else {
      return
    }
    connection.epollState.remove(.isListed)
    if connection.epollState.isSuperset(of: [.isReceiving, .isReadable]) {
      receiveBytes(on: connection, to: receiver)
    } else if connection.epollState.contains(.isHungUp) {
      deliverError(of: connection, to: receiver)
    }
  }

  /// Receives until there is nothing more, the receiver wants no more, or it is the others' turn.
  private func receiveBytes(on connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    var total = 0
    var nanoseconds: Int64 = 0
    var isOver = false
    while total < configuration.receiveBudgetByteCount, !isOver {
      let capacity = connection.pointee.turnNotes.byteCountMax(
        of: hot.value.receiveBuffer.byteCount)
      hot.value.otherSystemCallCount += 1
      let count = unsafe recv(
        connection.pointee.descriptor, hot.value.receiveBuffer.start, capacity,
        Int32(MSG_DONTWAIT))
      guard count > 0 else {
        if count < 0 && errno == EINTR { continue }
        endReceiving(count == 0 ? 0 : errno, on: connection, to: receiver)
        return
      }
      // A short read has emptied the socket, and what comes later is signalled again (epoll(7),
      // question 9): the read that would find nothing is spared.
      if count < capacity && !connection.epollState.contains(.isHungUp) {
        connection.epollState.remove(.isReadable)
      }
      hot.value.receiveBuffer.use(count)
      isOver = connection.pointee.turnNotes.isUnproven
      nanoseconds += deliver(count, hasFilled: count == capacity, on: connection, to: receiver)
      isOver = isOver || nanoseconds > TurnNotes.turnNanosecondsMax
      // The receiver may have paused or closed the connection.
      guard connection.epollState.isSuperset(of: [.isReceiving, .isReadable]) else { return }
      total += count
    }
    connection.pointee.turnNotes.note(turnNanoseconds: nanoseconds)
    list(connection)
  }

  /// Returns how many nanoseconds it has taken, if that is measured.
  private func deliver(
    _ count: Int, hasFilled: Bool, on connection: ConnectionPointer,
    to receiver: any CompletionReceiver
  ) -> Int64 {
    let isMeasured = connection.pointee.turnNotes.measures(count)
    let start = isMeasured ? MonotonicClock.nowNanoseconds() : 0
    hot.value.isReceiveBufferLent = true
    unsafe receiver.received(
      UnsafeMutableRawBufferPointer(start: hot.value.receiveBuffer.start, count: count),
      on: connection)
    hot.value.isReceiveBufferLent = false
    hot.value.budget.note(byteCount: count)
    guard isMeasured else { return 0 }
    let nanoseconds = MonotonicClock.nowNanoseconds() - start
    connection.pointee.turnNotes.note(nanoseconds: nanoseconds, hasFilled: hasFilled)
    return nanoseconds
  }

  private func endReceiving(
    _ code: Int32, on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    connection.epollState.subtract([.isReadable, .isHungUp])
    if code == EAGAIN { return }
    // A send that failed has taken the error: what is left looks like a FIN and is none.
    let isReset = code == 0 && connection.epollState.contains(.hasSendFailed)
    connection.epollState.insert(.hasReceivedEnd)
    receiver.receiveEnded(isReset ? ECONNRESET : code, on: connection)
  }

  /// Within a wait, a connection that has had its turn has the next one in the next wait.
  private func list(_ connection: ConnectionPointer) {
    guard !connection.epollState.contains(.isListed) else { return }
    connection.epollState.insert(.isListed)
    if hot.value.isDelivering {
      hot.value.served.append(EpollToken(connection))
    } else {
      hot.value.backlog.append(EpollToken(connection))
    }
  }
}
