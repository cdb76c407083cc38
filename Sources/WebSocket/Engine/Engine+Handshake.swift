internal import Reactor
internal import WebSocketProtocol

/// The opening handshake, and plain HTTP requests.
extension Engine {
  func receiveRequest(
    _ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer
  ) {
    guard let pending = unsafe connection.webSocket.pending else {
      var search = HeadSearch()
      let whole = UnsafeRawBufferPointer(bytes)
      guard let end = unsafe parse(whole, search: &search, on: connection) else {
        if connection.webSocket.phase == .handshake {
          let pending = unsafe pendingBytes(of: connection)
          unsafe pending.pointee.append(whole, reactor)
          unsafe pending.pointee.search = search
        }
        return
      }
      return unsafe receiveRest(bytes, from: end, on: connection)
    }
    // No more is kept than a head may have: what follows a head is taken from `bytes` again.
    let before = unsafe pending.pointee.byteCount
    let room = configuration.handshake.headByteCountMax + 1 - before
    let part = unsafe UnsafeRawBufferPointer(rebasing: bytes.prefix(max(room, 0)))
    unsafe pending.pointee.append(part, reactor)
    let whole = unsafe UnsafeRawBufferPointer(pending.pointee.bytes)
    guard let end = unsafe parse(whole, search: &pending.pointee.search, on: connection) else {
      return
    }
    unsafe pending.pointee.removeAll(reactor)
    releaseEmptyPending(connection)
    unsafe receiveRest(bytes, from: end - before, on: connection)
  }

  /// What came with the request: frames of a client that did not wait for the answer.
  private func receiveRest(
    _ bytes: UnsafeMutableRawBufferPointer, from start: Int, on connection: ConnectionPointer
  ) {
    guard start < bytes.count, isOpen(connection) else { return }
    unsafe received(UnsafeMutableRawBufferPointer(rebasing: bytes[start...]), on: connection)
  }

  /// Deals with the request if it is there whole. Returns the length of its head; nil if it is not
  /// whole, or was refused.
  private func parse(
    _ bytes: UnsafeRawBufferPointer, search: inout HeadSearch, on connection: ConnectionPointer
  ) -> Int? {
    let span = unsafe RawSpan(_unsafeBytes: bytes)
    do throws(HandshakeError) {
      switch try scratch.value.parser.parse(span, search: &search) {
      case .needMoreBytes:
        return nil
      case .complete(let headByteCount, .plain):
        let response = scratch.value.parser.withRequest(in: span) { request in
          application.respond(to: request, on: handle(connection))
        }
        refuse(connection, response, omittingBody: isHeadRequest)
        return headByteCount
      case .complete(let headByteCount, .upgrade(let key)):
        upgrade(connection, key, span)
        return headByteCount
      }
    } catch {
      refuse(connection, error.response, omittingBody: isHeadRequest)
      return nil
    }
  }

  private func upgrade(_ connection: ConnectionPointer, _ key: HandshakeKey, _ bytes: RawSpan) {
    let (answer, offered) = scratch.value.parser.withRequest(in: bytes) { request in
      if let origins = configuration.origins, !origins.permits(request) {
        let response = HTTPResponse(status: .forbidden, text: "This origin is not allowed.\n")
        return (Upgrade<Void>.refuse(response), false)
      }
      let answer = unsafe application.upgrade(
        request, on: handle(connection), state: connection.state)
      guard case .accept(_, let subprotocol?, _) = answer else { return (answer, true) }
      return (answer, request.offersSubprotocol(subprotocol))
    }
    switch answer {
    case .refuse(let response):
      refuse(connection, response)
    case .accept(_, let subprotocol, let headers):
      guard offered,
        let response = try? UpgradeResponse(for: key, subprotocol: subprotocol, headers: headers)
      else {
        unsafe application.discard(state: connection.state)
        return refuse(
          connection,
          HTTPResponse(
            status: .internalServerError,
            text: "The server chose a subprotocol that was not offered.\n"))
      }
      open(connection, response)
    }
  }

  private func open(_ connection: ConnectionPointer, _ response: UpgradeResponse) {
    scratch.value.response.removeAll(keepingCapacity: true)
    response.append(to: &scratch.value.response)
    guard reactor.canSend(on: connection) else {
      return unsafe application.discard(state: connection.state)
    }
    unsafe reactor.send(scratch.value.response.span.bytes, on: connection)
    connection.webSocket.phase = application.handlesFrames ? .raw : .open
    connection.webSocket.flags.insert(.hasState)
    connection.webSocket.canSendMessages = true
    reactor.holdTopics(of: connection, false)
    if let subprotocol = response.subprotocol { reactor.label(connection, subprotocol) }
    watch(connection)
    unsafe application.opened(handle(connection), state: connection.state)
  }

  /// Whether the request just parsed is a HEAD request. Of no other connection's concern.
  private var isHeadRequest: Bool { scratch.value.parser.isHeadRequest }

  /// Answers with a response, and ends the connection.
  func refuse(
    _ connection: ConnectionPointer, _ response: HTTPResponse, omittingBody: Bool = false
  ) {
    connection.webSocket.phase = .ended
    leaveTopics(connection)
    guard reactor.canSend(on: connection) else { return }
    scratch.value.response.removeAll(keepingCapacity: true)
    response.append(to: &scratch.value.response, omittingBody: omittingBody)
    unsafe reactor.send(scratch.value.response.span.bytes, on: connection)
    reactor.finish(connection)
  }
}
