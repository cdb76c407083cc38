internal import CURing
internal import Glibc

/// One buffer that is always warm in the cache, with room in front of it.
@safe struct HotBuffer: ~Copyable {
  let byteCount: Int
  private var memory: UnsafeMutableRawPointer?
  private var wasUsed = false
  /// Whether there is memory that `trim` gives back if it is not used meanwhile.
  private(set) var holdsMemory = false

  init(byteCount: Int) {
    self.byteCount = byteCount
    unsafe memory = nil
  }

  deinit {
    if let memory = unsafe memory { unsafe munmap(memory, byteCount + Reactor.receiveHeadroom) }
  }

  /// The bytes behind the headroom. Nil: no memory.
  mutating func bytes() -> UnsafeMutableRawBufferPointer? {
    wasUsed = true
    if unsafe memory == nil {
      unsafe memory = try? mapMemory(byteCount: byteCount + Reactor.receiveHeadroom)
    }
    guard let memory = unsafe memory else { return nil }
    return unsafe UnsafeMutableRawBufferPointer(
      start: memory + Reactor.receiveHeadroom, count: byteCount)
  }

  /// Gives the memory back when it was not used since the last time.
  mutating func trim() {
    if !wasUsed, holdsMemory, let memory = unsafe memory {
      unsafe madvise(memory, byteCount + Reactor.receiveHeadroom, MADV_DONTNEED)
    }
    holdsMemory = wasUsed
    wasUsed = false
  }
}

// Connections with large messages. A message cut into many small buffers costs several times a
// message in one, and so does one that has left the cache before it is answered.
extension IOURingBackend {
  /// Full buffers, less the others, after which a connection is one with large messages.
  private static let fullCountMax: UInt8 = 4
  /// Small reads in a row after which it is none any more.
  private static let smallCountMax: UInt8 = 64
  /// Bytes received from a connection in a row before the next one has its turn. The last read may
  /// exceed it. Fewer if they cost much: `TurnNotes`.
  private static let turnByteCountMax = 1024 * 1024

  /// Notes how many bytes a provided buffer has brought.
  @inline(__always)
  func noteVolume(_ byteCount: Int, on connection: ConnectionPointer) {
    if byteCount == buffers.byteCount {
      connection.pointee.backendStreak &+= 1
      if connection.pointee.backendStreak >= Self.fullCountMax { becomeLarge(connection) }
    } else if connection.pointee.backendStreak > 0 {
      connection.pointee.backendStreak -= 1
    }
  }

  /// The socket of a connection with large messages has something new. The poll tells of that once,
  /// so all that is there has to be read, now or in later turns, or the poll be made anew.
  func receiveLarge(
    _ completion: Completion, on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    if completion.result & (MARTLET_POLLRDHUP | Int32(POLLHUP) | Int32(POLLERR)) != 0 {
      connection.pointee.turnNotes.insert(.isHungUp)
    }
    if connection.pointee.turnNotes.contains(.isCostly) {
      list(connection)
    } else if !connection.pointee.turnNotes.contains(.isListed) {
      takeTurn(of: connection, to: receiver)
    }
    guard !completion.hasMore else { return }
    if connection.pointee.isClosingDown {
      finishClosing(connection, to: receiver)
    } else {
      armReceive(on: connection)
      pollForError(on: connection)
    }
  }

  /// Gives each connection of the backlog a turn, as far as there is time: there is some for it
  /// however much else has come.
  func deliverBacklog(to receiver: any CompletionReceiver) {
    var count = state.backlog.count
    guard count > 0 else { return }
    state.budget.extend(byNanoseconds: configuration.backlogNanosecondsMin)
    while count > 0, state.budget.allowsAnother(), let next = state.backlog.popFirst() {
      count -= 1
      guard let connection = next.connection else { continue }
      connection.pointee.turnNotes.remove(.isListed)
      // Whoever receives into provided buffers again may have some that come first.
      let mode = connection.pointee.receiveState
      guard mode.contains(.isLarge), mode.isDisjoint(with: [.isClosing, .isMultishot, .isSingle])
      else { continue }
      takeTurn(of: connection, to: receiver)
    }
  }

  private func list(_ connection: ConnectionPointer) {
    guard !connection.pointee.turnNotes.contains(.isListed) else { return }
    connection.pointee.turnNotes.insert(.isListed)
    state.backlog.append(ConnectionTurn(connection))
  }

  /// Reads, and sees to it that what is left comes in a later turn, or that the poll tells of it again.
  private func takeTurn(of connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    let isDrained = readLarge(on: connection, to: receiver)
    let mode = connection.pointee.receiveState
    guard !mode.contains(.isClosing) else { return }
    if mode.isSuperset(of: [.isLarge, .isWanted]) {
      if !isDrained { list(connection) }
    } else if mode.contains(.isPolling) {
      // Whoever wants bytes again, or receives in another way from now on, waits for them anew.
      cancelReceive(on: connection)
    }
  }

  /// Reads into the hot buffer. False: more may be there.
  private func readLarge(
    on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) -> Bool {
    var total = 0
    var nanoseconds: Int64 = 0
    while total < Self.turnByteCountMax, nanoseconds <= TurnNotes.turnNanosecondsMax {
      guard connection.pointee.receiveState.contains(.isWanted) else { return false }
      guard let memory = unsafe state.hotBuffer.bytes() else {
        becomeSmall(connection)
        return false
      }
      let isUnproven = connection.pointee.turnNotes.isUnproven
      let capacity = connection.pointee.turnNotes.byteCountMax(of: memory.count)
      let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<capacity])
      state.systemCallCount += 1
      let count = unsafe recv(
        connection.pointee.descriptor, bytes.baseAddress, capacity, Int32(MSG_DONTWAIT))
      if count > 0 {
        noteLargeRead(count, on: connection)
        nanoseconds += unsafe deliver(bytes, count, on: connection, to: receiver)
        guard count == capacity || connection.pointee.turnNotes.contains(.isHungUp) else {
          return connection.pointee.receiveState.contains(.isWanted)
        }
        if isUnproven { return false }
        total += count
      } else if count < 0, errno == EAGAIN || errno == EINTR {
        return errno == EAGAIN
      } else {
        endReceiving(on: connection, count == 0 ? 0 : errno, to: receiver)
        return true
      }
    }
    connection.pointee.turnNotes.note(turnNanoseconds: nanoseconds)
    return false
  }

  /// Returns how many nanoseconds it has taken, if that is measured.
  private func deliver(
    _ bytes: UnsafeMutableRawBufferPointer, _ count: Int, on connection: ConnectionPointer,
    to receiver: any CompletionReceiver
  ) -> Int64 {
    let isMeasured = connection.pointee.turnNotes.measures(count)
    let start = isMeasured ? MonotonicClock.nowNanoseconds() : 0
    unsafe receiver.received(.init(rebasing: bytes[..<count]), on: connection)
    state.budget.note(byteCount: count)
    guard isMeasured else { return 0 }
    let nanoseconds = MonotonicClock.nowNanoseconds() - start
    connection.pointee.turnNotes.note(nanoseconds: nanoseconds, hasFilled: count == bytes.count)
    return nanoseconds
  }

  func becomeLarge(_ connection: ConnectionPointer) {
    // A direct descriptor cannot be read with a system call.
    guard tableCount == 0, !connection.pointee.receiveState.contains(.isLarge) else { return }
    connection.pointee.backendStreak = 0
    connection.pointee.receiveState.insert(.isLarge)
    connection.pointee.flags.insert(.sendsAtOnce)
    if connection.pointee.receiveState.contains(.isMultishot) { cancelReceive(on: connection) }
  }

  private func becomeSmall(_ connection: ConnectionPointer) {
    connection.pointee.backendStreak = 0
    connection.pointee.receiveState.remove(.isLarge)
    connection.pointee.flags.remove(.sendsAtOnce)
  }

  private func noteLargeRead(_ byteCount: Int, on connection: ConnectionPointer) {
    guard byteCount < buffers.byteCount else {
      connection.pointee.backendStreak = 0
      return
    }
    connection.pointee.backendStreak &+= 1
    if connection.pointee.backendStreak >= Self.smallCountMax { becomeSmall(connection) }
  }
}
