internal import Reactor
internal import WebSocketProtocol

/// Pongs. A peer that pings and never reads must fill neither our memory with them nor our time
/// with looking for those that another one makes superfluous.
extension Engine {
  /// Answers a ping: at once, unless much waits to be sent. Then one pong waits too, and of the
  /// pings that come until it has left only the newest is answered (RFC 6455 §5.5.3).
  func sendPong(_ payload: RawSpan, on connection: ConnectionPointer) {
    let isPongWaiting = connection.webSocket.flags.contains(.isPongWaiting)
    let queuedByteCount = reactor.queuedByteCount(of: connection)
    guard isPongWaiting || queuedByteCount >= configuration.queue.backpressureByteCount
    else { return sendControl(.pong, payload, on: connection) }
    guard canSend(.control, on: connection) else { return }
    guard !isPongWaiting else {
      return unsafe pendingBytes(of: connection).pointee.keepPing(payload)
    }
    connection.webSocket.flags.insert(.isPongWaiting)
    let handle = handle(connection)
    let byteCount = frameByteCount(payload.byteCount)
    let chunk = reactor.makeChunk(byteCount: byteCount) { outcome in
      if outcome == .sent { handle.onOwner { $0.pongSent(on: $1) } }
    }
    unsafe encode(.pong, payload, .control, into: chunk.content)
    if mayPassFragments(connection) {
      reactor.enqueueControl(chunk, on: connection)
    } else {
      reactor.enqueue(chunk, on: connection)
    }
  }

  private func pongSent(on connection: ConnectionPointer) {
    connection.webSocket.flags.remove(.isPongWaiting)
    guard let pending = unsafe connection.webSocket.pending,
      let payload = unsafe pending.pointee.takePing()
    else { return }
    unsafe sendPong(RawSpan(_unsafeBytes: payload), on: connection)
    releaseEmptyPending(connection)
  }
}
