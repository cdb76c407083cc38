internal import CURing
internal import Glibc

/// One buffer that is always warm in the cache, with room in front of it.
@safe struct HotBuffer: ~Copyable {
  let byteCount: Int
  private var memory: UnsafeMutableRawPointer?
  private var wasUsed = false

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
    if !wasUsed, let memory = unsafe memory {
      unsafe madvise(memory, byteCount + Reactor.receiveHeadroom, MADV_DONTNEED)
    }
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
  /// Reads for one connection before the next one has its turn.
  private static let readCountMax = 2

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
  /// so all that is there has to be read, or the poll be made anew.
  func receiveLarge(
    _ completion: Completion, on connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    let hasEnd = completion.result & (MARTLET_POLLRDHUP | Int32(POLLHUP) | Int32(POLLERR)) != 0
    let isDrained = readLarge(on: connection, untilEnd: hasEnd, to: receiver)
    let mode = connection.pointee.receiveState
    guard !completion.hasMore else {
      if !isDrained || !mode.contains(.isLarge) { cancelReceive(on: connection) }
      return
    }
    if mode.contains(.isClosing) {
      finishClosing(connection, to: receiver)
    } else {
      armReceive(on: connection)
    }
  }

  /// Reads into the hot buffer. False: more may be there.
  private func readLarge(
    on connection: ConnectionPointer, untilEnd: Bool, to receiver: any CompletionReceiver
  ) -> Bool {
    guard connection.pointee.receiveState.contains(.isWanted) else { return false }
    guard let bytes = unsafe state.hotBuffer.bytes() else {
      becomeSmall(connection)
      return false
    }
    for _ in 0..<Self.readCountMax {
      state.systemCallCount += 1
      let count = unsafe recv(
        connection.pointee.descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        noteLargeRead(count, on: connection)
        unsafe receiver.received(.init(rebasing: bytes[..<count]), on: connection)
        guard connection.pointee.receiveState.contains(.isWanted) else { return false }
        if count < bytes.count, !untilEnd { return true }
      } else if count < 0, errno == EAGAIN || errno == EINTR {
        return errno == EAGAIN
      } else {
        endReceiving(on: connection, count == 0 ? 0 : errno, to: receiver)
        return true
      }
    }
    return false
  }

  private func becomeLarge(_ connection: ConnectionPointer) {
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
