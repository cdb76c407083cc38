internal import CURing
internal import Glibc

/// Messages that leave in fragments, each with a header of its own, so that control frames can go between them. In the
/// queue they are one message: all of them are queued before anything else is done, and dropped together or not at all.
extension Reactor {
  /// Bytes that a header may have.
  public static let headerByteCountMax = 16
  /// Fragments that one system call is to send, at most.
  static let piecesAtOnceCountMax = 16

  /// Writes the header of a fragment, of which this is the number and the range of the payload. Returns its length, at
  /// most `headerByteCountMax`, for which there is room.
  public typealias HeaderWriter = (Int, Range<Int>, UnsafeMutableRawBufferPointer) -> Int

  /// Queues fragments that are encoded into memory of their own. `canSend` must hold.
  ///
  /// - Parameters:
  ///   - pieces: the fragments.
  ///   - completion: called when the last fragment is in the kernel, or never will be.
  ///   - connection: where to.
  ///   - isDroppable: the message may be dropped whole.
  ///   - byteCount: of a fragment with its header, from its range.
  ///   - fill: writes a fragment.
  public func enqueue(
    _ pieces: PayloadPieces, completion: SendCompletion?,
    on connection: ConnectionPointer, isDroppable: Bool, byteCount: (Range<Int>) -> Int,
    fill: (Int, Range<Int>, UnsafeMutableRawBufferPointer) -> Void
  ) {
    markDirty(connection)
    for index in 0..<pieces.count {
      let range = pieces.range(of: index)
      let count = byteCount(range)
      let chunk = unsafe state.value.pool.take(count)
      unsafe chunk.pointee.end = count
      unsafe fill(index, range, chunk.content)
      unsafe chunk.pointee.flags = .beginsFragment
      if index == 0, isDroppable { unsafe chunk.pointee.flags.insert(.isDroppable) }
      let isLast = index == pieces.count - 1
      if isLast { unsafe chunk.pointee.completion = completion }
      unsafe append(chunk, isLast: isLast, to: connection)
    }
  }

  /// Queues a chunk that holds a message in one frame, as fragments, without copying its payload: references to it,
  /// each behind a header of its own. The chunk itself is the last one, and outlives the others. `canSend` must hold.
  ///
  /// - Parameters:
  ///   - chunk: the message.
  ///   - pieces: the fragments of its payload.
  ///   - start: bytes in front of the payload, that are not sent.
  ///   - connection: where to.
  ///   - isDroppable: the message may be dropped whole.
  ///   - writeHeader: writes the header of a fragment.
  public func enqueue(
    _ chunk: PostedChunk, as pieces: PayloadPieces, behind start: Int,
    on connection: ConnectionPointer, isDroppable: Bool, writeHeader: HeaderWriter
  ) {
    let pointer = unsafe chunk.pointer
    markDirty(connection)
    if chunk.reportsBackpressure { reportBackpressure(on: connection) }
    let payload = unsafe pointer.content.baseAddress.unsafelyUnwrapped + start
    for index in 0..<pieces.count {
      let range = pieces.range(of: index)
      let header = unsafe state.value.pool.take(Self.headerByteCountMax)
      let room = unsafe UnsafeMutableRawBufferPointer(
        start: header.bytes, count: Self.headerByteCountMax)
      unsafe header.pointee.end = unsafe writeHeader(index, range, room)
      unsafe header.pointee.flags = .beginsFragment
      if index == 0, isDroppable { unsafe header.pointee.flags.insert(.isDroppable) }
      unsafe append(header, isLast: false, to: connection)
      if index < pieces.count - 1 {
        let reference = unsafe state.value.pool.takeReference(
          to: payload + range.lowerBound, byteCount: range.count)
        unsafe append(reference, isLast: false, to: connection)
      } else {
        unsafe pointer.pointee.start += start + range.lowerBound
        unsafe append(pointer, isLast: true, to: connection)
      }
    }
  }

  /// As the other one, for shared bytes.
  public func enqueue(
    _ bytes: SharedBytes, as pieces: PayloadPieces, behind start: Int,
    completion: SendCompletion?, on connection: ConnectionPointer, isDroppable: Bool,
    writeHeader: HeaderWriter
  ) {
    let chunk = unsafe reference(to: bytes)
    unsafe chunk.pointee.completion = completion
    unsafe enqueue(
      PostedChunk(chunk), as: pieces, behind: start, on: connection, isDroppable: isDroppable,
      writeHeader: writeHeader)
  }

  /// Queues a control frame: in front of the first fragment that the kernel has not been offered, if there is one, or
  /// at the end. `canSend` must hold.
  public func enqueueControl(_ chunk: PostedChunk, on connection: ConnectionPointer) {
    let pointer = unsafe chunk.pointer
    guard unsafe connection.insertBeforeFragment(pointer) else {
      return enqueue(chunk, on: connection)
    }
    unsafe pointer.pointee.flags.insert(.isSealed)
    markDirty(connection)
    if chunk.reportsBackpressure { reportBackpressure(on: connection) }
  }

  private func append(
    _ chunk: OutboundChunkPointer, isLast: Bool, to connection: ConnectionPointer
  ) {
    unsafe chunk.pointee.flags.formUnion(isLast ? .isSealed : [.isSealed, .isJoined])
    unsafe connection.append(chunk)
  }

  // MARK: At once

  /// Sends fragments of a payload from where it lies, behind what is queued, with a system call at once, as `sendNow` for
  /// a single frame; what the socket does not take is queued. False: this cannot be done here, and nothing has happened.
  /// `canSend` must hold.
  public func sendNow(
    _ pieces: PayloadPieces, of payload: RawSpan, on connection: ConnectionPointer,
    writeHeader: HeaderWriter
  ) -> Bool {
    guard connection.pointee.flags.contains(.sendsAtOnce),
      !connection.pointee.flags.contains(.isSending),
      connection.pointee.queuedByteCount < SendBatch.byteCountMax
    else { return false }
    state.value.statistics.sendCount &+= 1
    unsafe payload.withUnsafeBytes { payload in
      switch unsafe offer(pieces, of: payload, on: connection, writeHeader) {
      case .handed(let byteCount), .pending(let byteCount), .blocked(let byteCount):
        unsafe queueRest(of: pieces, payload, from: byteCount, on: connection, writeHeader)
      case .failed(let code):
        end(connection, code: code, reset: false)
      }
    }
    return true
  }

  private func offer(
    _ pieces: PayloadPieces, of payload: UnsafeRawBufferPointer, on connection: ConnectionPointer,
    _ writeHeader: HeaderWriter
  ) -> SendStart {
    let queue = unsafe connection.gather(into: vectors)
    var byteCount = queue?.byteCount ?? 0
    // A long queue goes first, by itself.
    guard byteCount == connection.pointee.queuedByteCount else { return .handed(0) }
    var count = unsafe queue?.vectors.count ?? 0
    for index in 0..<min(pieces.count, Self.piecesAtOnceCountMax) {
      let range = pieces.range(of: index)
      let header = unsafe makeHeader(of: index, range, writeHeader, at: index)
      unsafe vectors[count] = iovec(iov_base: header.baseAddress, iov_len: header.count)
      unsafe vectors[count + 1] = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress.unsafelyUnwrapped)
          + range.lowerBound,
        iov_len: range.count)
      byteCount += header.count + range.count
      count += 2
    }
    let batch = unsafe SendBatch(vectors: .init(rebasing: vectors[..<count]), byteCount: byteCount)
    return backend.sendNow(batch, on: connection)
  }

  /// Queues the fragments that the socket has not taken, then calls the completions of what it has.
  private func queueRest(
    of pieces: PayloadPieces, _ payload: UnsafeRawBufferPointer, from handed: Int,
    on connection: ConnectionPointer, _ writeHeader: HeaderWriter
  ) {
    countSent(handed, on: connection)
    let ofQueue = min(handed, connection.pointee.queuedByteCount)
    let completed = unsafe connection.consume(ofQueue, pool: &state.value.pool)
    var taken = handed - ofQueue
    for index in 0..<pieces.count {
      let range = pieces.range(of: index)
      let header = unsafe makeHeader(of: index, range, writeHeader, at: 0)
      let start = min(taken, header.count + range.count)
      taken -= start
      guard start < header.count + range.count else { continue }
      markDirty(connection)
      let chunk = unsafe state.value.pool.take(header.count + range.count - start)
      unsafe chunk.pointee.end = header.count + range.count - start
      let ofHeader = unsafe header.dropFirst(start)
      let ofPayload = unsafe payload[range].dropFirst(max(0, start - header.count))
      unsafe chunk.content.copyBytes(from: ofHeader)
      unsafe UnsafeMutableRawBufferPointer(rebasing: chunk.content[ofHeader.count...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: ofPayload))
      // In the middle of a frame nothing may come between.
      if start == 0 { unsafe chunk.pointee.flags = .beginsFragment }
      unsafe append(chunk, isLast: index == pieces.count - 1, to: connection)
    }
    _ = unsafe releaseAll(completed, .sent)
  }

  /// A fragment's header, in one of the places for such.
  private func makeHeader(
    of index: Int, _ range: Range<Int>, _ writeHeader: HeaderWriter, at place: Int
  ) -> UnsafeMutableRawBufferPointer {
    let start = place * Self.headerByteCountMax
    let room = unsafe UnsafeMutableRawBufferPointer(
      rebasing: headers[start..<(start + Self.headerByteCountMax)])
    let count = unsafe writeHeader(index, range, room)
    return unsafe UnsafeMutableRawBufferPointer(rebasing: room[..<count])
  }
}
