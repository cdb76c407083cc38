/// A block of a reactor's pooled memory, for a handler to keep bytes in between two reads.
///
/// Must be given back to the same reactor by `Reactor.giveBack`.
@safe public struct PooledMemory {
  fileprivate let chunk: OutboundChunkPointer

  fileprivate init(_ chunk: OutboundChunkPointer) {
    unsafe self.chunk = chunk
  }

  /// All of the block. At least as large as was asked for.
  @unsafe public var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: chunk.bytes, count: chunk.pointee.capacity)
  }
}

extension Reactor {
  /// A block of at least so many bytes, with arbitrary content.
  public func takeMemory(_ byteCount: Int) -> PooledMemory {
    unsafe PooledMemory(state.value.pool.take(byteCount))
  }

  /// Gives a block back, once; nothing may use it afterwards. The reactor must be the one that it came from.
  public func giveBack(_ memory: PooledMemory) {
    unsafe state.value.pool.giveBack(memory.chunk)
  }

  /// A chunk of pooled memory to be filled and enqueued.
  public func makeChunk(
    byteCount: Int, completion: SendCompletion? = nil
  ) -> PostedChunk {
    let chunk = unsafe state.value.pool.take(byteCount)
    unsafe chunk.pointee.end = byteCount
    unsafe chunk.pointee.completion = completion
    return unsafe PostedChunk(chunk)
  }
}
