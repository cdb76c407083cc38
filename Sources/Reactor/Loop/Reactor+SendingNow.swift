internal import Glibc
internal import CURing

extension Reactor {
  /// Payloads from this size on are worth a system call of their own, to spare copying them into
  /// the send queue: the copy of 16 KiB costs more than the call.
  public static let sendNowByteCountMin = 8 * 1024

  /// Sends a header and a payload, behind what is queued, with a system call at once; what the
  /// socket does not take is queued. False: this cannot be done here, and nothing has happened.
  ///
  /// It is done for connections that are received on into the shared large buffer, whose bytes are
  /// still in the processor's cache. `canSend` must hold.
  public func sendNow(
    header: RawSpan, payload: RawSpan, on connection: ConnectionPointer
  ) -> Bool {
    guard connection.pointee.flags.contains(.sendsAtOnce),
      !connection.pointee.flags.contains(.isSending)
    else { return false }
    let queuedByteCount = connection.pointee.queuedByteCount
    guard queuedByteCount < SendBatch.byteCountMax else { return false }
    unsafe header.withUnsafeBytes { header in
      unsafe payload.withUnsafeBytes { payload in
        unsafe sendNow(header, payload, behind: queuedByteCount, on: connection)
      }
    }
    return true
  }

  private func sendNow(
    _ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer,
    behind queuedByteCount: Int, on connection: ConnectionPointer
  ) {
    state.value.statistics.sendCount &+= 1
    let start =
      if queuedByteCount == 0, let front = unsafe roomInFront(of: payload, header.count) {
        unsafe sendInPlace(header, payload, front, on: connection)
      } else {
        unsafe sendGathered(header, payload, behind: queuedByteCount, on: connection)
      }
    switch start {
    case .handed(let handed), .pending(let handed), .blocked(let handed):
      unsafe finishSendingNow(header, payload, handed, on: connection)
    case .failed(let code):
      end(connection, code: code, reset: false)
    }
  }

  /// An echoed payload lies in the receive buffer, behind the header that it came with: ours is put
  /// in front of it there, and what it covers put back afterwards. One range costs the kernel less
  /// than two.
  private func sendInPlace(
    _ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer,
    _ front: UnsafeMutableRawPointer, on connection: ConnectionPointer
  ) -> SendStart {
    var covered: [16 of UInt8] = .init(repeating: 0)
    return unsafe withUnsafeMutableBytes(of: &covered) { covered in
      unsafe covered.baseAddress?.copyMemory(from: front, byteCount: header.count)
      defer {
        unsafe front.copyMemory(
          from: covered.baseAddress.unsafelyUnwrapped, byteCount: header.count)
      }
      unsafe front.copyMemory(from: header.baseAddress.unsafelyUnwrapped, byteCount: header.count)
      let byteCount = header.count + payload.count
      unsafe vectors[0] = iovec(iov_base: front, iov_len: byteCount)
      let batch = unsafe SendBatch(
        vectors: .init(rebasing: vectors[..<1]), byteCount: byteCount)
      return backend.sendNow(batch, on: connection)
    }
  }

  /// Nil: the payload does not lie in the bytes that are being received, with so many in front of
  /// it.
  private func roomInFront(
    of payload: UnsafeRawBufferPointer, _ byteCount: Int
  ) -> UnsafeMutableRawPointer? {
    let received = unsafe state.value.received
    guard byteCount <= 16, let start = payload.baseAddress,
      let first = received.baseAddress,
      unsafe start - byteCount >= UnsafeRawPointer(first),
      unsafe start + payload.count <= UnsafeRawPointer(first + received.count)
    else { return nil }
    return unsafe UnsafeMutableRawPointer(mutating: start - byteCount)
  }

  private func sendGathered(
    _ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer,
    behind queuedByteCount: Int, on connection: ConnectionPointer
  ) -> SendStart {
    let queue = unsafe connection.gather(into: vectors)
    let count = unsafe queue?.vectors.count ?? 0
    // A long queue goes first, by itself.
    guard queue?.byteCount ?? 0 == queuedByteCount else { return .handed(0) }
    unsafe vectors[count] = Self.vector(header)
    unsafe vectors[count + 1] = Self.vector(payload)
    let batch = unsafe SendBatch(
      vectors: .init(rebasing: vectors[..<(count + 2)]),
      byteCount: queuedByteCount + header.count + payload.count)
    return backend.sendNow(batch, on: connection)
  }

  /// Queues what the socket has not taken, then calls the completions of what it has: they may
  /// send, and must not come between the two halves of a frame.
  private func finishSendingNow(
    _ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ handed: Int,
    on connection: ConnectionPointer
  ) {
    countSent(handed, on: connection)
    let ofQueue = min(handed, connection.pointee.queuedByteCount)
    let completed = unsafe connection.consume(ofQueue, pool: &state.value.pool)
    let ofFrame = handed - ofQueue
    unsafe queueRest(of: header, from: ofFrame, on: connection)
    unsafe queueRest(of: payload, from: ofFrame - header.count, on: connection)
    _ = unsafe releaseAll(completed, .sent)
  }

  private func queueRest(
    of bytes: UnsafeRawBufferPointer, from start: Int, on connection: ConnectionPointer
  ) {
    guard start < bytes.count else { return }
    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[max(0, start)...])
    unsafe reserve(rest.count, on: connection).copyMemory(from: rest)
  }

  private static func vector(_ bytes: UnsafeRawBufferPointer) -> iovec {
    unsafe iovec(
      iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
  }
}
