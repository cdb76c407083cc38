import Reactor
import WebSocket

/// The server's application: does what messages tell it to, and tells the model all.
struct ServerSide: WebSocketServerHandler {
  unowned let world: World

  init(_ world: World) {
    self.world = world
  }

  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<Int> {
    let dial = Int(request.target.split(separator: "/").last ?? "") ?? -1
    return .accept(world.model.session(isServer: true, dial: dial).number)
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    .upgradeRequired
  }

  func opened(_ connection: Connection, state: inout Int) {
    let session = world.model.sessions[state]
    world.model.opened(session, connection)
    world.send(
      World.Order(hasCompletion: true, operation: Model.Marker.hello.rawValue), from: session)
    if session.dial % 8 == 1 { world.send(World.Order(byteCount: 400), from: session) }
    if session.dial % 32 == 9 { world.close(session, .goingAway, reason: "from opened") }
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Int
  ) {
    let session = world.model.sessions[state]
    guard
      let payload = world.model.arrived(message.copy, isText: message.isText, at: session),
      let command = Action.Command(rawValue: payload.operation)
    else { return }
    if command == .echo, payload.argument % 4 != 0, message.byteCount > payload.argument % 16_384 {
      return world.echo(payload, message, session)
    }
    world.obey(command, payload.argument, message.byteCount, session)
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Int) {
    let session = world.model.sessions[state]
    switch event {
    case .ping(let payload): world.model.pingArrived(payload.copy, at: session)
    case .pong(let payload): world.model.pongArrived(payload.copy, at: session)
    case .drained: world.drained(session)
    case .lagged(let gap):
      guard let index = world.topics.firstIndex(where: { $0 === gap.topic }) else {
        return world.model.report("lagged behind an unknown topic")
      }
      world.lagged(session, index, gap)
    case .failed(let error): world.model.failed(session, error)
    }
  }

  func closed(_ connection: Connection, _ closure: Closure, state: inout Int) {
    world.model.closed(world.model.sessions[state], closure)
  }
}

/// The clients' application: tells the model all.
struct ClientSide: WebSocketHandler {
  unowned let world: World

  init(_ world: World) {
    self.world = world
  }

  func opened(_ connection: Connection, state: inout Int) {
    let session = world.model.sessions[state]
    world.model.opened(session, connection)
    if session.dial % 4 == 1 {
      world.send(World.Order(byteCount: 300, isText: true, hasCompletion: true), from: session)
    }
    if session.dial % 32 == 11 { world.close(session, nil, reason: "") }
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Int
  ) {
    let session = world.model.sessions[state]
    guard let payload = world.model.arrived(message.copy, isText: message.isText, at: session)
    else { return }
    world.answer(payload, session)
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout Int) {
    let session = world.model.sessions[state]
    switch event {
    case .ping(let payload): world.model.pingArrived(payload.copy, at: session)
    case .pong(let payload): world.model.pongArrived(payload.copy, at: session)
    case .drained: world.drained(session)
    case .lagged: world.model.report("a client's connection lagged behind a topic")
    case .failed(let error): world.model.failed(session, error)
    }
  }

  func closed(_ connection: Connection, _ closure: Closure, state: inout Int) {
    world.model.closed(world.model.sessions[state], closure)
  }
}

extension RawSpan {
  fileprivate var copy: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}

extension World {
  func drained(_ session: Session) {
    model.checkIsOpen(session, "drained")
    session.owesDrained = false
    session.drainedCount += 1
    continueFragments(of: session)
  }

  /// What a client does with a server's message, on its reactor's thread.
  func answer(_ payload: Payload, _ session: Session) {
    guard payload.operation == Model.Marker.plain.rawValue else { return }
    if payload.number % 5 == 0 {
      send(Order(byteCount: payload.byteCount / 2, isText: payload.isText), from: session)
    }
    // For other connections, whose threads may be others.
    if payload.number % 7 == 3 { forward(payload.number * 5 + 2, payload.byteCount, session) }
  }

  /// What a client's message has the server do, on its reactor's thread.
  func obey(_ command: Action.Command, _ argument: Int, _ byteCount: Int, _ session: Session) {
    let topic = argument % 3
    let isText = argument % 2 == 0
    switch command {
    case .nothing: break
    case .echo: send(Order(byteCount: byteCount, isText: isText), from: session)
    case .publish:
      publish(topic, byteCount, isText: isText, UInt64(argument % 4), excluding: nil)
    case .publishExcluding: publish(topic, byteCount, isText: isText, 0, excluding: session)
    case .subscribe: subscribe(session, topic, backBy: 0)
    case .resume: subscribe(session, topic, backBy: argument % 30)
    case .unsubscribe:
      // Behind a job that sends, when the connection is subscribed no more.
      if argument % 4 == 0 { sendFromCompletion(1, session) }
      // Or behind what makes all of it wait its turn: then the job must not come before what is sent after it.
      let isBehindOwn = argument % 4 == 1
      if isBehindOwn { publish(topic, byteCount, isText: isText, 0, excluding: nil) }
      unsubscribe(session, topic)
      if isBehindOwn {
        sendFromCompletion(1, session)
        send(Order(byteCount: 60), from: session)
      }
    case .close: if argument % 4 == 0 { close(session, .normalClosure, reason: "asked") }
    case .ping: ping(session, byteCount: argument % 126)
    case .burst:
      for number in 0..<(argument % 40) {
        let order = Order(
          byteCount: number * (argument % 70), isText: number % 3 == 0,
          hasCompletion: number % 4 == argument % 7)
        send(order, from: session)
      }
      // There is no room for it, whatever is dropped, unless nothing is on its way.
      if argument % 4 == 1 {
        send(Order(byteCount: model.settings.queue.byteCountMax), from: session)
      }
    case .publishAndSend:
      publish(topic, byteCount, isText: isText, 0, excluding: nil)
      send(Order(byteCount: 200), from: session)
    case .fragments:
      sendFragments(
        argument % 20_000, count: 1 + argument % 5, isText: isText, isSlow: argument % 3 == 0,
        from: session)
    case .completionSends: sendFromCompletion(argument % 6, session)
    case .forward: forward(argument, byteCount, session)
    case .forwardBurst:
      for number in 0..<(argument % 30) { forward(argument, number * 100, session) }
    }
  }

  /// Does something with another connection of the same end, which may be another reactor's.
  private func forward(_ argument: Int, _ byteCount: Int, _ session: Session) {
    let others = model.sessions.filter {
      $0.isServer == session.isServer && $0.isOpen && $0 !== session
    }
    guard !others.isEmpty else { return }
    let other = others[argument % others.count]
    switch argument % 50 {
    case 0: close(other, .normalClosure, reason: "by another")
    case 1...5: ping(other, byteCount: byteCount % 126)
    default:
      send(
        Order(
          byteCount: byteCount, isText: argument % 3 == 0,
          hasCompletion: argument % 5 == 0, sequel: Action.Sequel(argument / 3)),
        from: other)
    }
  }

  /// Each message is sent when the one before has left.
  private func sendFromCompletion(_ count: Int, _ session: Session) {
    guard count > 0, session.isOpen, let connection = session.connection else { return }
    nonisolated(unsafe) let session = session
    ping(session, byteCount: 0)
    _ = connection.withState(as: Int.self) { [unowned self] _ in
      send(Order(byteCount: 50 * count, hasCompletion: true), from: session)
      sendFromCompletion(count - 1, session)
    }
  }
}
