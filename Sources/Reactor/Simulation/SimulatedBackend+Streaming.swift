internal import CURing
internal import Glibc

/// Receiving and sending.
extension SimulatedBackend {
  // MARK: Receiving

  /// Whether there is more to deliver than there was time for.
  func hasMore(_ token: EpollToken) -> Bool {
    let slot = slots[Int(token.index)]
    guard let socket = slot.socket else { return false }
    if slot.isReceiving, !slot.hasReceivedEnd, socket.canRead { return true }
    return (slot.isBlocked || slot.send != nil) && socket.canWrite
  }

  func deliverReceived(_ connection: ConnectionPointer, to receiver: any CompletionReceiver) {
    let index = Int(connection.pointee.index)
    guard slots[index].isReceiving, !slots[index].hasReceivedEnd, let socket = slots[index].socket,
      socket.canRead, !starves()
    else { return }
    var limit = Self.bufferByteCount
    if simulation.random.chance(simulation.faults.shortRead) {
      // Many of a few bytes, some of any number.
      limit = 1 + simulation.random.number(0...(1 << simulation.random.number(0...15)))
    }
    let room = unsafe UnsafeMutableRawBufferPointer(
      rebasing: buffer[Reactor.receiveHeadroom..<(Reactor.receiveHeadroom + limit)])
    let count = unsafe socket.read(into: room)
    if count == -Int(EAGAIN) { return }
    if count <= 0 {
      slots[index].hasReceivedEnd = true
      let isReset = count == 0 && slots[index].hasSendFailed
      simulation.count(8, count)
      return receiver.receiveEnded(isReset ? ECONNRESET : Int32(-count), on: connection)
    }
    if simulation.random.chance(20) {
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

  // MARK: Sending

  func send(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    let index = Int(connection.pointee.index)
    precondition(
      slots[index].isConnected && !slots[index].isClosing && slots[index].send == nil
        && !slots[index].isBlocked, "one send is in flight at most")
    guard let socket = slots[index].socket else { return .failed(EBADF) }
    simulation.interrupt()
    let room = socket.room
    simulation.count(10, batch.byteCount)
    guard room >= 0 else {
      slots[index].hasSendFailed = true
      return .failed(Int32(-room))
    }
    let isLate = simulation.random.chance(simulation.faults.lateSend)
    var count = min(room, batch.byteCount)
    if count > 0, isLate || simulation.random.chance(simulation.faults.shortWrite) {
      count = simulation.random.number((isLate ? 0 : 1)...count)
    }
    unsafe Self.write(batch.vectors, from: 0, count, to: socket)
    if count == batch.byteCount { return .handed(count) }
    if isLate || simulation.random.chance(500) {
      keep(batch, from: count, index)
      if socket.canWrite { note(EpollToken(connection)) }
      return .pending(count)
    }
    if count > 0, count < room { return .handed(count) }
    slots[index].isBlocked = true
    if socket.canWrite { note(EpollToken(connection)) }
    return .blocked(count)
  }

  func sendNow(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart {
    let index = Int(connection.pointee.index)
    precondition(
      slots[index].isConnected && !slots[index].isClosing && slots[index].send == nil
        && !slots[index].isBlocked, "no send is in flight")
    guard let socket = slots[index].socket else { return .failed(EBADF) }
    let room = socket.room
    simulation.count(11, batch.byteCount)
    guard room >= 0 else {
      slots[index].hasSendFailed = true
      return .failed(Int32(-room))
    }
    var count = min(room, batch.byteCount)
    if simulation.random.chance(simulation.faults.shortWrite) {
      count = simulation.random.number(0...count)
    }
    unsafe Self.write(batch.vectors, from: 0, count, to: socket)
    return .handed(count)
  }

  func shutdownSending(on connection: ConnectionPointer) {
    let index = Int(connection.pointee.index)
    precondition(slots[index].send == nil && !slots[index].isBlocked, "no send is in flight")
    slots[index].socket?.shutdownSending()
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
    simulation.count(14, send.endCount)
    receiver.sent(now.sentCount, on: connection)
  }

  private func keep(_ batch: SendBatch, from start: Int, _ index: Int) {
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
    let isShort = simulation.random.chance(simulation.faults.shortWrite)
    let end = isShort ? simulation.random.number(0...bytes.count) : bytes.count
    slots[index].send = unsafe SimulatedSend(vectors: vectors, bytes: bytes, endCount: end)
  }

  /// Goes on with a send, as far as there is room. Returns an errno, or 0.
  func progress(_ index: Int) -> Int32 {
    guard let socket = slots[index].socket, var send = slots[index].send else { return 0 }
    checkBytes(index)
    let room = socket.room
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
    _ vectors: UnsafeMutableBufferPointer<iovec>, from _: Int, _ count: Int,
    to socket: SimulatedSocket
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
