import CURing
import Glibc

@testable import Reactor

/// A send queue and the bytes that should be in it.
final class QueueModel {
  private let slab = ConnectionSlab(capacity: 1, attachmentByteCount: 0)
  private let vectors = UnsafeMutableBufferPointer<iovec>.allocate(
    capacity: SendBatch.vectorCountMax)
  private var pool = ChunkPool()
  let connection: ConnectionPointer
  private(set) var expected: [UInt8] = []
  private var nextByte: UInt8 = 0

  init() {
    connection = slab.allocate()!
  }

  deinit {
    free(connection.takeQueue())
    vectors.deallocate()
  }

  /// Queues bytes that share chunks with others.
  func reserve(_ byteCount: Int) {
    fill(connection.reserve(byteCount, pool: &pool))
  }

  /// Queues a chunk of its own, with a number to know it by.
  func append(_ byteCount: Int, number: UInt64, isDroppable: Bool = false) {
    let chunk = ChunkPool.makeUnpooled(byteCount)
    chunk.pointee.end = byteCount
    chunk.pointee.firstOrdinal = number
    chunk.pointee.completion = { _ in }
    chunk.pointee.flags = isDroppable ? [.isSealed, .isDroppable] : .isSealed
    fill(chunk.content)
    connection.append(chunk)
  }

  /// Queues a message in fragments, with a number to know it by.
  func append(fragments: [Int], number: UInt64, isDroppable: Bool = false) {
    for (position, byteCount) in fragments.enumerated() {
      append(byteCount, number: number, isDroppable: isDroppable && position == 0)
      guard let chunk = connection.pointee.sendTail else { return }
      chunk.pointee.flags.insert(.beginsFragment)
      if position < fragments.count - 1 { chunk.pointee.flags.insert(.isJoined) }
    }
  }

  /// Puts a control frame of so many bytes 255 where it may go. False: nowhere.
  func insertControl(_ byteCount: Int) -> Bool {
    let chunk = ChunkPool.makeUnpooled(byteCount)
    chunk.pointee.end = byteCount
    for position in chunk.content.indices { chunk.content[position] = 255 }
    if connection.insertBeforeFragment(chunk) { return true }
    pool.giveBack(chunk)
    return false
  }

  /// The next bytes to send, and in how many pieces.
  func gather() -> (bytes: [UInt8], vectorCount: Int)? {
    guard let batch = connection.gather(into: vectors) else { return nil }
    let bytes = batch.vectors.flatMap {
      UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len)
    }
    precondition(bytes.count == batch.byteCount)
    return (bytes, batch.vectors.count)
  }

  /// Takes bytes off as sent. Returns the numbers of the chunks that are to be told.
  func consume(_ byteCount: Int) -> [UInt64] {
    expected.removeFirst(byteCount)
    return numbers(connection.consume(byteCount, pool: &pool))
  }

  /// Drops what may be dropped. Returns the numbers.
  func drop(_ byteCount: Int) -> [UInt64] {
    numbers(connection.takeDroppable(byteCount))
  }

  private func fill(_ room: UnsafeMutableRawBufferPointer) {
    for position in room.indices {
      room[position] = nextByte
      expected.append(nextByte)
      nextByte = nextByte == 250 ? 0 : nextByte + 1
    }
  }

  private func numbers(_ first: OutboundChunkPointer?) -> [UInt64] {
    var numbers: [UInt64] = []
    var next = first
    while let chunk = next {
      numbers.append(chunk.pointee.firstOrdinal)
      next = chunk.pointee.next
    }
    free(first)
    return numbers
  }

  private func free(_ first: OutboundChunkPointer?) {
    var next = first
    while let chunk = next {
      next = chunk.pointee.next
      pool.giveBack(chunk)
    }
  }
}
