internal import Reactor
internal import WebSocketProtocol

/// The opening handshake of a server, and plain HTTP requests.
extension Engine {
  /// Takes bytes of a request or, as a client, of a response.
  func receiveHead(
    _ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer
  ) {
    guard let pending = unsafe connection.webSocket.pending else {
      return unsafe receiveRest(bytes, from: 0, on: connection)
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

  /// What came with the head: frames of a peer that did not wait, or another response behind an
  /// interim one. Of these there may be thousands, so they are not dealt with one within the other.
  private func receiveRest(
    _ bytes: UnsafeMutableRawBufferPointer, from start: Int, on connection: ConnectionPointer
  ) {
    var start = start
    while connection.webSocket.phase == .handshake, start < bytes.count {
      var search = HeadSearch()
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[start...])
      guard let end = unsafe parse(rest, search: &search, on: connection) else {
        return unsafe keepHead(rest, search, of: connection)
      }
      start += end
    }
    guard start < bytes.count else { return }
    unsafe received(UnsafeMutableRawBufferPointer(rebasing: bytes[start...]), on: connection)
  }

  /// Keeps the beginning of a head until there is more, unless the head has been refused.
  private func keepHead(
    _ bytes: UnsafeRawBufferPointer, _ search: HeadSearch, of connection: ConnectionPointer
  ) {
    guard connection.webSocket.phase == .handshake else { return }
    let pending = unsafe pendingBytes(of: connection)
    unsafe pending.pointee.append(bytes, reactor)
    unsafe pending.pointee.search = search
  }

  /// Deals with the head if it is there whole. Returns its length; nil if it is not whole, or was
  /// refused.
  private func parse(
    _ bytes: UnsafeRawBufferPointer, search: inout HeadSearch, on connection: ConnectionPointer
  ) -> Int? {
    guard role == .server else {
      return unsafe parseResponse(bytes, search: &search, on: connection)
    }
    let span = unsafe RawSpan(_unsafeBytes: bytes)
    do throws(HandshakeError) {
      switch try scratch.value.parser.parse(span, search: &search) {
      case .needMoreBytes:
        return nil
      case .complete(let headByteCount, .plain):
        let response = scratch.value.parser.withRequest(in: span) { request in
          negotiator?.respond(to: request, on: handle(connection))
            ?? HTTPResponse(status: .internalServerError)
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
      let answer =
        unsafe negotiator?.upgrade(request, on: handle(connection), state: connection.state)
        ?? .refuse(HTTPResponse(status: .internalServerError))
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
    scratch.value.head.removeAll(keepingCapacity: true)
    let date = scratch.value.dateStamp.now()
    response.append(to: &scratch.value.head, date: date)
    guard reactor.canSend(on: connection) else {
      return unsafe application.discard(state: connection.state)
    }
    unsafe reactor.sendHandshake(scratch.value.head.span.bytes, on: connection)
    reactor.holdTopics(of: connection, false)
    opened(connection, subprotocol: response.subprotocol)
  }

  /// The opening handshake is done, and the state is there.
  func opened(_ connection: ConnectionPointer, subprotocol: String?) {
    connection.webSocket.phase = application.handlesFrames ? .raw : .open
    connection.webSocket.flags.insert(.hasState)
    connection.webSocket.canSendMessages = role == .server
    if let subprotocol { reactor.label(connection, subprotocol) }
    // What was asked about the handshake is answered no more.
    reactor.endWatching(connection)
    watch(connection)
    unsafe application.opened(handle(connection), state: connection.state)
  }

  /// Milliseconds in which what has arrived of a handshake has been received.
  private static let receivingMilliseconds = 1000

  /// Once: a peer may send without end.
  func examinedHandshake(_ condition: ConnectionCondition, on connection: ConnectionPointer) {
    guard condition.hasUnreadBytes, !connection.webSocket.flags.contains(.isHandshakeOverdue) else {
      return handshakeExpired(connection)
    }
    connection.webSocket.flags.insert(.isHandshakeOverdue)
    reactor.setDeadline(on: connection, afterMilliseconds: Self.receivingMilliseconds)
  }

  func handshakeExpired(_ connection: ConnectionPointer) {
    if role == .server {
      refuse(connection, HTTPResponse(status: .requestTimeout, text: "Too slow.\n"))
    } else {
      failDialing(connection, .timeout)
      reactor.abort(connection)
    }
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
    scratch.value.head.removeAll(keepingCapacity: true)
    let date = scratch.value.dateStamp.now()
    response.append(to: &scratch.value.head, omittingBody: omittingBody, date: date)
    unsafe reactor.send(scratch.value.head.span.bytes, on: connection)
    reactor.finish(connection)
  }
}
