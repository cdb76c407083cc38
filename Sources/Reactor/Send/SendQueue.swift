internal import CURing
internal import Glibc

/// The bytes that wait to be sent on a connection: a list of chunks, in order. An idle connection
/// has none.
extension ConnectionPointer {
  /// Room for so many bytes in the last chunk of the queue, which are part of it from now on: to be
  /// written at once. Nil: there is no such room.
  @inlinable @inline(__always)
  func reserveInTail(_ byteCount: Int) -> UnsafeMutableRawBufferPointer? {
    guard let tail = unsafe pointee.sendTail, unsafe !tail.pointee.flags.contains(.isSealed),
      unsafe tail.pointee.capacity &- tail.pointee.end >= byteCount
    else { return nil }
    let start = unsafe tail.bytes + tail.pointee.end
    unsafe tail.pointee.end &+= byteCount
    pointee.queuedByteCount &+= byteCount
    return unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  /// As `reserveInTail`, or else room in a new chunk. Small ones share a chunk.
  func reserve(_ byteCount: Int, pool: inout ChunkPool) -> UnsafeMutableRawBufferPointer {
    if let room = unsafe reserveInTail(byteCount) { return unsafe room }
    let chunk = unsafe pool.take(byteCount)
    unsafe chunk.pointee.end = byteCount
    unsafe append(chunk)
    return unsafe UnsafeMutableRawBufferPointer(start: chunk.bytes, count: byteCount)
  }

  /// Adds a chunk to the end of the queue.
  func append(_ chunk: OutboundChunkPointer) {
    if let tail = unsafe pointee.sendTail {
      unsafe tail.pointee.next = chunk
    } else {
      unsafe pointee.sendHead = chunk
    }
    unsafe pointee.sendTail = chunk
    unsafe pointee.queuedByteCount += chunk.pointee.end - chunk.pointee.start
  }

  /// The next bytes to send, named by up to `SendBatch.vectorCountMax` of these vectors. Nil: none.
  /// What has been offered to the kernel once can no longer be dropped.
  func gather(into vectors: UnsafeMutableBufferPointer<iovec>) -> SendBatch? {
    var count = 0
    var byteCount = 0
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next, count < SendBatch.vectorCountMax,
      byteCount < SendBatch.byteCountMax
    {
      let content = unsafe chunk.content
      // What has been offered, control frames can no longer go before.
      if byteCount > SendBatch.byteCountMax / 4,
        unsafe chunk.pointee.flags.contains(.beginsFragment)
      {
        break
      }
      unsafe chunk.pointee.flags.subtract([.isDroppable, .beginsFragment])
      unsafe vectors[count] = iovec(iov_base: content.baseAddress, iov_len: content.count)
      count += 1
      byteCount += content.count
      unsafe next = chunk.pointee.next
    }
    guard count > 0 else { return nil }
    return unsafe SendBatch(vectors: .init(rebasing: vectors[..<count]), byteCount: byteCount)
  }

  /// Takes so many bytes off the front, since they are in the kernel. Returns the chunks that have
  /// been sent whole and have a completion to be called, linked; all others go back to the pool.
  func consume(_ byteCount: Int, pool: inout ChunkPool) -> OutboundChunkPointer? {
    var rest = byteCount
    var completed = ChunkList()
    pointee.queuedByteCount -= byteCount
    while let chunk = unsafe pointee.sendHead {
      let contentCount = unsafe chunk.pointee.end - chunk.pointee.start
      guard rest >= contentCount else {
        unsafe chunk.pointee.start += rest
        break
      }
      rest -= contentCount
      unsafe pointee.sendHead = chunk.pointee.next
      if unsafe pointee.sendHead == nil { unsafe pointee.sendTail = nil }
      if unsafe chunk.pointee.completion == nil {
        unsafe pool.giveBack(chunk)
      } else {
        unsafe completed.append(chunk)
      }
    }
    return unsafe completed.first
  }

  /// Bytes of the response to the opening handshake that wait.
  var handshakeByteCount: Int {
    guard let head = unsafe pointee.sendHead,
      unsafe head.pointee.flags.contains(.beginsWithHandshake)
    else { return 0 }
    return unsafe max(0, Int(head.pointee.handshakeEnd) - head.pointee.start)
  }

  /// Takes all chunks off, whatever they are.
  func takeQueue() -> OutboundChunkPointer? {
    let first = unsafe pointee.sendHead
    unsafe pointee.sendHead = nil
    unsafe pointee.sendTail = nil
    pointee.queuedByteCount = 0
    return unsafe first
  }

  /// Whether so many bytes, or all, would be free once chunks that may be dropped were. Looks no further than it has to:
  /// a peer that does not read has this asked for each message, of a queue as long as it likes.
  func canDrop(_ byteCount: Int) -> Bool {
    var freed = 0
    var kept = 0
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      var count = unsafe chunk.content.count
      if unsafe chunk.pointee.flags.contains(.isDroppable) {
        let message = unsafe chunk.message
        unsafe next = message.last
        unsafe count = message.byteCount
        freed += count
        if freed >= byteCount { return true }
      } else {
        kept += count
        if pointee.queuedByteCount - kept < byteCount { return false }
      }
      unsafe next = next?.pointee.next
    }
    return kept == 0
  }

  /// Takes out the oldest chunks that may be dropped, until `byteCount` bytes are free. Returns them,
  /// linked, oldest first, so that their completions can be called.
  func takeDroppable(_ byteCount: Int) -> OutboundChunkPointer? {
    var freed = 0
    var taken = ChunkList()
    var previous: OutboundChunkPointer?
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next, freed < byteCount {
      guard unsafe chunk.pointee.flags.contains(.isDroppable) else {
        unsafe previous = chunk
        unsafe next = chunk.pointee.next
        continue
      }
      let (last, messageByteCount) = unsafe chunk.message
      unsafe next = last.pointee.next
      unsafe unlink(chunk, upTo: last, messageByteCount, after: previous)
      freed += messageByteCount
      unsafe taken.append(chunk, upTo: last)
    }
    return unsafe taken.first
  }

  private func unlink(
    _ first: OutboundChunkPointer, upTo last: OutboundChunkPointer, _ byteCount: Int,
    after previous: OutboundChunkPointer?
  ) {
    if let previous = unsafe previous {
      unsafe previous.pointee.next = last.pointee.next
    } else {
      unsafe pointee.sendHead = last.pointee.next
    }
    if unsafe pointee.sendTail == last { unsafe pointee.sendTail = previous }
    pointee.queuedByteCount -= byteCount
  }

  /// Puts a chunk in front of the first fragment that the kernel has not been offered. False: there is none, and the
  /// chunk is still the caller's.
  func insertBeforeFragment(_ chunk: OutboundChunkPointer) -> Bool {
    var previous: OutboundChunkPointer?
    var next = unsafe pointee.sendHead
    while let candidate = unsafe next,
      unsafe !candidate.pointee.flags.contains(.beginsFragment)
    {
      unsafe previous = candidate
      unsafe next = candidate.pointee.next
    }
    guard let fragment = unsafe next else { return false }
    unsafe chunk.pointee.next = fragment
    if let previous = unsafe previous {
      unsafe previous.pointee.next = chunk
    } else {
      unsafe pointee.sendHead = chunk
    }
    pointee.queuedByteCount += unsafe chunk.content.count
    return true
  }
}

extension OutboundChunkPointer {
  /// The last chunk of the message that begins with this one, and the bytes of them all.
  fileprivate var message: (last: OutboundChunkPointer, byteCount: Int) {
    var last = unsafe self
    var byteCount = unsafe content.count
    while unsafe last.pointee.flags.contains(.isJoined), let next = unsafe last.pointee.next {
      unsafe last = next
      byteCount += unsafe next.content.count
    }
    return unsafe (last, byteCount)
  }
}

/// Chunks taken off a queue, in order.
@safe struct ChunkList {
  private(set) var first: OutboundChunkPointer?
  private var last: OutboundChunkPointer?

  mutating func append(_ chunk: OutboundChunkPointer) {
    unsafe chunk.pointee.next = nil
    if let last = unsafe last {
      unsafe last.pointee.next = chunk
    } else {
      unsafe first = chunk
    }
    unsafe last = chunk
  }

  /// Appends chunks that are linked.
  mutating func append(_ chunks: OutboundChunkPointer, upTo end: OutboundChunkPointer) {
    var next: OutboundChunkPointer? = unsafe chunks
    while let chunk = unsafe next {
      unsafe next = chunk == end ? nil : chunk.pointee.next
      unsafe append(chunk)
    }
  }
}
