/// What a connection is still to be sent of topics that it has left while nothing of them may be
/// sent: behind the message whose fragments are being sent, or the response to the handshake.
struct Farewell {
  /// References.
  var chunks = ChunkList()
  /// Of all of them. They count for no limit but as many bytes as a queue may have.
  var byteCount = 0
}

extension Reactor {
  /// A subscription is about to end while nothing of topics may be sent. Keeps what was published
  /// before, as far as the queue could hold it.
  func keepFarewell(_ index: UInt32, of connection: ConnectionPointer) {
    guard let shard = shard(of: index), !topics.value[index].isReplaying else { return }
    skipToNewest(index, shard)
    var farewell = topics.value.farewells[connection.pointee.index] ?? Farewell()
    while let piece = nextPiece(index, shard, SendBatch.byteCountMax),
      piece.byteCount <= configuration.queue.byteCountMax - farewell.byteCount
    {
      let chunk = unsafe state.value.pool.takeReference(
        to: piece.start, byteCount: piece.byteCount, in: piece.segment)
      unsafe farewell.chunks.append(chunk)
      farewell.byteCount += piece.byteCount
    }
    guard farewell.byteCount > 0 else { return }
    topics.value.farewells[connection.pointee.index] = farewell
  }

  /// Nothing holds it up any more.
  func sendFarewell(_ connection: ConnectionPointer) {
    guard !topics.value.farewells.isEmpty,
      let farewell = topics.value.farewells.removeValue(forKey: connection.pointee.index)
    else { return }
    var next = unsafe farewell.chunks.first
    while let chunk = unsafe next {
      unsafe next = chunk.pointee.next
      unsafe chunk.pointee.next = nil
      unsafe connection.append(chunk)
    }
    markDirty(connection)
  }

  /// Nothing of a topic is sent to the connection any more.
  func forgetFarewell(_ connection: ConnectionPointer) {
    guard !topics.value.farewells.isEmpty,
      let farewell = topics.value.farewells.removeValue(forKey: connection.pointee.index)
    else { return }
    var next = unsafe farewell.chunks.first
    while let chunk = unsafe next {
      unsafe next = chunk.pointee.next
      unsafe state.value.pool.giveBack(chunk)
    }
  }
}
