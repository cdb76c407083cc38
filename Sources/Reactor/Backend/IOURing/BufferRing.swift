internal import CURing
internal import Glibc

/// Receive buffers lent to the kernel, which takes them in the order in which they were given.
@safe struct BufferRing: ~Copyable {
  let count: Int
  /// Bytes of one buffer, not counting its headroom.
  let byteCount: Int
  let group: UInt16

  private let memory: UnsafeMutableRawPointer
  private let memoryByteCount: Int
  private let buffers: UnsafeMutableRawPointer
  private let stride: Int

  /// Makes `count` buffers, a power of two up to 32,768, and lends them all.
  init(count: Int, byteCount: Int, group: UInt16, ring: borrowing Ring) throws(SystemError) {
    precondition(count.nonzeroBitCount == 1 && count <= 32_768, "a power of two up to 32,768")
    let stride = (Reactor.receiveHeadroom + byteCount + 63) & ~63
    // The entries take whole pages, which the kernel locks.
    let entryByteCount = (count * MemoryLayout<io_uring_buf>.stride + 4095) & ~4095
    let memory = try unsafe mapMemory(byteCount: entryByteCount + count * stride)
    do throws(SystemError) {
      try unsafe ring.registerBuffers(memory, count: count, group: group)
    } catch {
      unsafe munmap(memory, entryByteCount + count * stride)
      throw error
    }
    self.count = count
    self.byteCount = byteCount
    self.group = group
    self.stride = stride
    unsafe self.memory = unsafe memory
    memoryByteCount = entryByteCount + count * stride
    unsafe buffers = unsafe memory + entryByteCount
    for identifier in 0..<count { giveBack(UInt16(identifier)) }
  }

  /// The ring that it was registered with is gone by now, or has nothing in flight.
  deinit { unsafe munmap(memory, memoryByteCount) }

  /// The first bytes of a buffer that the kernel has filled.
  @inline(__always)
  func bytes(in identifier: UInt16, count: Int) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: address(of: identifier), count: count)
  }

  /// Lends a buffer to the kernel again.
  @inline(__always)
  func giveBack(_ identifier: UInt16) {
    unsafe martlet_buffer_ring_add(
      memory.assumingMemoryBound(to: io_uring_buf_ring.self), UInt16(count - 1),
      address(of: identifier), UInt32(byteCount), identifier)
  }

  /// Gives the memory of the buffers back, not their addresses. None of them holds bytes.
  func discardContents() {
    unsafe madvise(buffers, count * stride, MADV_DONTNEED)
  }

  @inline(__always)
  private func address(of identifier: UInt16) -> UnsafeMutableRawPointer {
    unsafe buffers + (Int(identifier) * stride + Reactor.receiveHeadroom)
  }
}
