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

  func opened(_ connection: Connection, state: inout Int) {
    let session = world.model.sessions[state]
    world.model.opened(session, connection)
    world.send(
      World.Order(hasCompletion: true, operation: Model.Marker.hello.rawValue), from: session)
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Int
  ) {
    let session = world.model.sessions[state]
    guard let payload = world.model.arrived(message.copy, at: session),
      let command = Action.Command(rawValue: payload.operation)
    else { return }
    world.obey(command, payload.argument, message.byteCount, session)
  }

  func receivedPong(_ payload: RawSpan, on connection: Connection, state: inout Int) {
    world.model.checkIsOpen(world.model.sessions[state], "receivedPong")
  }

  func drained(_ connection: Connection, state: inout Int) {
    world.drained(world.model.sessions[state])
  }

  func lagged(_ topic: Topic, missedCount: Int, on connection: Connection, state: inout Int) {
    guard let index = world.topics.firstIndex(where: { $0 === topic }) else {
      return world.model.report("lagged behind an unknown topic")
    }
    world.model.lagged(world.model.sessions[state], index, missedCount)
  }

  func failed(_ error: ConnectionError, on connection: Connection, state: inout Int) {
    world.model.failed(world.model.sessions[state], error)
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
    world.model.opened(world.model.sessions[state], connection)
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout Int
  ) {
    let session = world.model.sessions[state]
    guard let payload = world.model.arrived(message.copy, at: session) else { return }
    // From its own reactor's thread, now and then.
    if payload.operation == Model.Marker.plain.rawValue, payload.number % 5 == 0 {
      world.send(World.Order(byteCount: payload.byteCount / 2), from: session)
    }
  }

  func drained(_ connection: Connection, state: inout Int) {
    world.drained(world.model.sessions[state])
  }

  func failed(_ error: ConnectionError, on connection: Connection, state: inout Int) {
    world.model.failed(world.model.sessions[state], error)
  }

  func closed(_ connection: Connection, _ closure: Closure, state: inout Int) {
    world.model.closed(world.model.sessions[state], closure)
  }
}

extension World {
  func drained(_ session: Session) {
    model.checkIsOpen(session, "drained")
    session.owesDrained = false
  }

  /// What a client's message has the server do, on its reactor's thread.
  func obey(_ command: Action.Command, _ argument: Int, _ byteCount: Int, _ session: Session) {
    let topic = argument % 3
    switch command {
    case .nothing: break
    case .echo: send(Order(byteCount: byteCount, isText: argument % 2 == 0), from: session)
    case .publish: publish(topic, byteCount, UInt64(argument % 4), excluding: nil)
    case .publishExcluding: publish(topic, byteCount, 0, excluding: session)
    case .subscribe: subscribe(session, topic, backBy: 0)
    case .resume: subscribe(session, topic, backBy: argument % 30)
    case .unsubscribe: unsubscribe(session, topic)
    case .close: if argument % 4 == 0 { session.connection?.close(.normalClosure, reason: "asked") }
    case .ping: session.connection?.ping()
    case .burst:
      for number in 0..<(argument % 40) {
        send(Order(byteCount: number * (argument % 70)), from: session)
      }
    case .publishAndSend:
      publish(topic, byteCount, 0, excluding: nil)
      send(Order(byteCount: 200), from: session)
    case .fragments: break
    case .completionSends: sendFromCompletion(argument % 6, session)
    }
  }

  /// Each message is sent when the one before has left.
  private func sendFromCompletion(_ count: Int, _ session: Session) {
    guard count > 0, session.isOpen, let connection = session.connection else { return }
    nonisolated(unsafe) let session = session
    connection.ping()
    _ = connection.withState(as: Int.self) { [unowned self] _ in
      send(Order(byteCount: 50 * count, hasCompletion: true), from: session)
      sendFromCompletion(count - 1, session)
    }
  }
}
