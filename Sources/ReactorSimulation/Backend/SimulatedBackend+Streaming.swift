internal import CURing
internal import Glibc
internal import Reactor

/// Receiving and sending.
extension SimulatedBackend {
  // MARK: Receiving

  /// Whether there is more to deliver than there was time for.
  func hasMore(_ token: EpollToken) -> Bool {
    let slot = slots[Int(token.index)]
    guard let socket = slot.socket else { return false }
    if slot.examiningWaitCount != nil { return true }
    if !slot.isReceiving, !slot.hasReceivedEnd, socket.hasError { return true }
    if deliversReceived(slot), !slot.hasReceivedEnd, socket.canRead {
      return true
    }
    return (slot.isBlocked || slot.send != nil) && socket.canWrite
  }

  /// What was handed over before a pause has been completed by then, so that it does not come long after.
  private func deliversReceived(_ slot: SimulatedSlot) -> Bool {
    slot.isReceiving
      || slot.handedOverCount > 0
        && waitCount - slot.handedOverWaitCount <= Self.handedOverWaitCountMax
  }

  func deliverReceived(_ connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    let index = Int(connection.pointee.index)
    guard !slots[index].hasReceivedEnd, let socket = slots[index].socket else { return }
    guard deliversReceived(slots[index]) else { return deliverError(connection, to: receiver) }
    guard socket.canRead else { return }
    let (limit, failure) = receiveOutcome()
    guard failure != ENOBUFS else {
      starvedBufferCount += 1
      return
    }
    let most = slots[index].isReceiving ? limit : min(limit, slots[index].handedOverCount)
    let room = unsafe UnsafeMutableRawBufferPointer(
      rebasing: buffer[Reactor.receiveHeadroom..<(Reactor.receiveHeadroom + most)])
    let count = unsafe failure == 0 ? socket.read(into: room) : socket.breakOff(failure)
    if count == -Int(EAGAIN) { return }
    slots[index].handedOverCount -= min(max(0, count), slots[index].handedOverCount)
    if count <= 0 {
      slots[index].hasReceivedEnd = true
      let isReset = count == 0 && slots[index].hasSendFailed
      simulation.count(8, count)
      return receiver.receiveEnded(isReset ? ECONNRESET : Int32(-count), on: connection)
    }
    if simulation.chance(.wayOfReceiving) {
      connection.pointee.flags.formSymmetricDifference(.sendsAtOnce)
    }
    simulation.count(9, count)
    unsafe receiver.received(
      UnsafeMutableRawBufferPointer(rebasing: room[..<count]), on: connection)
    // Whoever looks at them later sees that they are gone.
    if let start = unsafe buffer.baseAddress {
      _ = unsafe memset(start, 0xEE, Reactor.receiveHeadroom + count)
    }
  }

  /// Receiving is paused, and the connection was reset.
  private func deliverError(
    _ connection: ConnectionPointer, to receiver: any CompletionReceiver
  ) {
    let index = Int(connection.pointee.index)
    guard let socket = slots[index].socket, socket.hasError else { return }
    slots[index].hasReceivedEnd = true
    let code = socket.takeError()
    simulation.count(18, Int(code))
    receiver.receiveEnded(code, on: connection)
  }

  func deliverExamined(_ connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    let index = Int(connection.pointee.index)
    guard let asked = slots[index].examiningWaitCount, asked < waitCount,
      let socket = slots[index].socket
    else { return }
    slots[index].examiningWaitCount = nil
    receiver.examined(socket.bytes, on: connection)
  }

  /// How many bytes the next read takes at most, or what is wrong with it: ENOBUFS, it finds no
  /// buffer, or else the connection breaks.
  private func receiveOutcome() -> (limit: Int, failure: Int32) {
    switch simulation.script.next(.receive) {
    case .fails(let code): return (0, code)
    case .moves(let most): return (min(max(1, most), Self.bufferByteCount), 0)
    default: break
    }
    if simulation.chance(.starvedBuffer) { return (0, ENOBUFS) }
    guard simulation.chance(.shortRead) else { return (Self.bufferByteCount, 0) }
    // Many of a few bytes, some of any number.
    let width = 1 << simulation.number(.shortRead, 0...15)
    return (1 + simulation.number(.shortRead, 0...width), 0)
  }

  // MARK: Sending

  func send(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    let index = Int(connection.pointee.index)
    precondition(
      slots[index].isConnected && !slots[index].isClosing && slots[index].send == nil
        && !slots[index].isBlocked, "one send is in flight at most")
    guard let socket = slots[index].socket else { return .failed(EBADF) }
    simulation.interrupt()
    simulation.count(10, batch.byteCount)
    let outcome = simulation.script.next(.send)
    if outcome == nil, slots[index].isFull { return wait(batch, on: connection) }
    slots[index].isFull = false
    let room = room(at: socket, outcome)
    guard room >= 0 else {
      slots[index].hasSendFailed = true
      return .failed(Int32(-room))
    }
    let (count, isLate) = sendCount(min(room, batch.byteCount), outcome)
    unsafe Self.write(batch.vectors, count, to: socket)
    if count == batch.byteCount { return .handed(count) }
    if outcome == nil, connection.pointee.flags.contains(.sendsAtOnce), simulation.chance(.sendForm)
    {
      slots[index].isFull = true
      return .handed(count)
    }
    if isLate || (outcome == nil && simulation.chance(.sendForm)) {
      keep(batch, from: count, outcome, index)
      if socket.canWrite { note(EpollToken(connection)) }
      return .pending(count)
    }
    if count > 0, count < room { return .handed(count) }
    slots[index].isBlocked = true
    if socket.canWrite { note(EpollToken(connection)) }
    return .blocked(count)
  }

  /// Has a send wait for room, with all its bytes.
  private func wait(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    let index = Int(connection.pointee.index)
    keep(batch, from: 0, nil, index)
    slots[index].send?.waitsForRoom = true
    if slots[index].socket?.canWrite ?? false { note(EpollToken(connection)) }
    return .pending(0)
  }

  func sendSynchronously(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    slots[Int(connection.pointee.index)].isFull = false
    return send(batch, on: connection)
  }

  func settleSend(on connection: ConnectionPointer) -> SendStart {
    let index = Int(connection.pointee.index)
    guard let send = slots[index].send else { return .blocked(0) }
    guard send.sentCount == send.bytes.count, simulation.chance(.sendForm) else {
      return .pending(0)
    }
    slots[index].send = nil
    slots[index].isFull = false
    return .handed(send.sentCount)
  }

  func isFull(_ connection: ConnectionPointer) -> Bool {
    slots[Int(connection.pointee.index)].isFull
  }

  func sendNow(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    let index = Int(connection.pointee.index)
    precondition(
      slots[index].isConnected && !slots[index].isClosing && slots[index].send == nil
        && !slots[index].isBlocked, "no send is in flight")
    guard let socket = slots[index].socket else { return .failed(EBADF) }
    simulation.interrupt()
    simulation.count(11, batch.byteCount)
    let outcome = simulation.script.next(.sendNow)
    if outcome == nil, slots[index].isFull { return .handed(0) }
    let room = room(at: socket, outcome)
    guard room >= 0 else {
      slots[index].hasSendFailed = true
      return .failed(Int32(-room))
    }
    var count = min(room, batch.byteCount)
    if case .moves(let most) = outcome {
      count = min(count, most)
    } else if simulation.chance(.shortWrite) {
      count = simulation.number(.shortWrite, 0...count)
    }
    unsafe Self.write(batch.vectors, count, to: socket)
    return .handed(count)
  }

  /// Bytes that a send finds room for. Negative: an errno.
  private func room(at socket: SimulatedSocket, _ outcome: SimulatedScript.Outcome?) -> Int {
    guard case .fails(let code) = outcome else { return socket.room }
    return socket.breakOff(code)
  }

  /// How many bytes of those that there is room for a send takes at once, and whether it goes on by
  /// itself.
  private func sendCount(
    _ most: Int, _ outcome: SimulatedScript.Outcome?
  ) -> (count: Int, isLate: Bool) {
    switch outcome {
    case .moves(let count): return (min(most, count), false)
    case .movesLater, .failsLater: return (0, true)
    default: break
    }
    let isLate = simulation.chance(.lateSend)
    guard most > 0, isLate || simulation.chance(.shortWrite) else { return (most, isLate) }
    return (simulation.number(.shortWrite, (isLate ? 0 : 1)...most), isLate)
  }

  func shutdownSending(on connection: ConnectionPointer) {
    let index = Int(connection.pointee.index)
    precondition(slots[index].send == nil && !slots[index].isBlocked, "no send is in flight")
    slots[index].socket?.shutdownSending()
    simulation.interrupt()
  }

  func deliverSent(_ connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    let index = Int(connection.pointee.index)
    guard let socket = slots[index].socket else { return }
    if slots[index].isBlocked {
      guard socket.canWrite else { return }
      slots[index].isBlocked = false
      simulation.count(12, 0)
      return receiver.sent(0, on: connection)
    }
    guard let send = slots[index].send else { return }
    let code = progress(index)
    guard code == 0 else {
      slots[index].send = nil
      slots[index].hasSendFailed = true
      simulation.count(13, Int(code))
      return receiver.sendFailed(code, on: connection)
    }
    guard let now = slots[index].send, now.sentCount >= now.endCount else { return }
    slots[index].send = nil
    if now.sentCount > 0 { slots[index].isFull = false }
    if now.sentCount < now.bytes.count, simulation.chance(.sendForm) { slots[index].isFull = true }
    simulation.count(14, send.endCount)
    receiver.sent(now.sentCount, on: connection)
  }

  /// Keeps what is left of a send, which goes on by itself.
  private func keep(
    _ batch: SendBatch, from start: Int, _ outcome: SimulatedScript.Outcome?, _ index: Int
  ) {
    var bytes: [UInt8] = []
    var vectors = unsafe [iovec]()
    var skipped = start
    for position in unsafe batch.vectors.indices {
      let vector = unsafe batch.vectors[position]
      let count = unsafe vector.iov_len
      let skip = min(skipped, count)
      skipped -= skip
      guard skip < count, let base = unsafe vector.iov_base else { continue }
      let rest = unsafe iovec(iov_base: base + skip, iov_len: count - skip)
      unsafe vectors.append(rest)
      unsafe bytes.append(
        contentsOf: UnsafeRawBufferPointer(start: rest.iov_base, count: rest.iov_len))
    }
    var end = bytes.count
    var failure: Int32 = 0
    switch outcome {
    case .movesLater(let count): end = min(end, count)
    case .failsLater(let code): failure = code
    default: if simulation.chance(.shortWrite) { end = simulation.number(.shortWrite, 0...end) }
    }
    slots[index].send = unsafe SimulatedSend(
      vectors: vectors, bytes: bytes, endCount: end, failure: failure)
  }

  /// Goes on with a send, as far as there is room. Returns an errno, or 0.
  func progress(_ index: Int) -> Int32 {
    guard let socket = slots[index].socket, var send = slots[index].send else { return 0 }
    checkBytes(index)
    let room = send.failure == 0 ? socket.room : socket.breakOff(send.failure)
    guard room >= 0 else { return Int32(-room) }
    let count = min(room, send.endCount - send.sentCount)
    guard count > 0 else { return 0 }
    unsafe send.bytes.withUnsafeBytes { bytes in
      unsafe socket.write(
        UnsafeRawBufferPointer(rebasing: bytes[send.sentCount..<(send.sentCount + count)]))
    }
    send.sentCount += count
    slots[index].send = send
    return 0
  }

  /// The bytes of a send in flight are where they were, and the same.
  func checkBytes(_ index: Int) {
    guard let send = slots[index].send else { return }
    var start = 0
    unsafe send.bytes.withUnsafeBytes { bytes in
      for position in unsafe send.vectors.indices {
        let vector = unsafe send.vectors[position]
        let count = unsafe vector.iov_len
        if let expected = bytes.baseAddress, let base = unsafe vector.iov_base,
          unsafe memcmp(base, expected + start, count) != 0
        {
          simulation.report(violation: "bytes of a send in flight have changed")
        }
        start += count
      }
    }
  }

  private static func write(
    _ vectors: UnsafeMutableBufferPointer<iovec>, _ count: Int, to socket: SimulatedSocket
  ) {
    var left = count
    for position in vectors.indices where left > 0 {
      let vector = unsafe vectors[position]
      let part = unsafe min(left, vector.iov_len)
      unsafe socket.write(UnsafeRawBufferPointer(start: vector.iov_base, count: part))
      left -= part
    }
  }
}
