import Reactor
import ReactorSimulation
import WebSocket

/// What the plan has done from outside of all reactors.
extension World {
  func perform(_ action: Action) {
    let (target, topic) = (action.target, action.topic)
    switch action.kind {
    case .dial: dial(action)
    case .clientSend: send(order(action), from: open(isServer: false, target))
    case .serverSend: send(order(action), from: open(isServer: true, target))
    case .serverPrepared:
      var order = order(action)
      order.isPrepared = true
      send(order, from: open(isServer: true, target))
    case .burst:
      let session = open(isServer: action.argument % 3 != 0, target)
      for number in 0..<(action.argument % 60) {
        var order = order(action)
        order.byteCount = number * (action.argument % 90)
        send(order, from: session)
      }
    case .command: command(action)
    case .publish:
      // Some have more to say than a subscriber may lag behind.
      for _ in 0..<(action.argument % 16 == 0 ? 40 : 1) {
        publish(topic, action.size, isText: action.isText, action.key, excluding: nil)
      }
    case .broadcast: broadcast(isText: action.isText)
    case .clientPing, .serverPing:
      let session = open(isServer: action.kind == .serverPing, target)
      if let session { ping(session, byteCount: action.size % 126) }
    case .clientClose: close(open(isServer: false, target), action)
    case .serverClose: close(open(isServer: true, target), action)
    case .reset, .stall: disturb(action)
    case .cancel: if action.argument % 3 == 0 { cancelDial(target) }
    case .fragments: fragments(action)
    case .malformedText: sendMalformed(action)
    case .withState: useState(open(isServer: action.isText, target))
    case .subscribe: subscribe(action, open(isServer: true, target))
    case .unsubscribe: if let session = open(isServer: true, target) { unsubscribe(session, topic) }
    case .stopServer: stopServer()
    case .stopClient: stopClient()
    }
  }

  private func order(_ action: Action) -> Order {
    Order(
      byteCount: action.size, isText: action.isText, hasCompletion: action.hasCompletion,
      sequel: Action.Sequel(action.argument))
  }

  private func send(_ order: Order, from session: Session?) {
    guard let session else { return }
    _ = send(order, from: session) as SendResult?
  }

  /// One of the open sessions of an end.
  private func open(isServer: Bool, _ target: Int) -> Session? {
    let open = model.sessions.filter { $0.isServer == isServer && $0.isOpen }
    return open.isEmpty ? nil : open[target % open.count]
  }

  private func command(_ action: Action) {
    var order = order(action)
    order.operation = action.target % Action.Command.allCases.count
    order.argument = action.argument
    let session = open(isServer: false, action.target / 16)
    if order.operation == Action.Command.echo.rawValue, action.isText {
      // A short one, and behind it one that is long enough to be sent back from where it lies.
      send(order, from: session)
      order.byteCount = Reactor.sendNowByteCountMin + action.argument % 2000
    }
    send(order, from: session)
  }

  private func close(_ session: Session?, _ action: Action) {
    guard let session else { return }
    // Of one, two, three or four bytes each: a close frame has room for 123 bytes.
    let letter = ["x", "\u{E9}", "\u{4E00}", "\u{1F300}"][action.argument / 4 % 4]
    close(
      session, action.argument % 4 == 0 ? nil : action.isText ? .normalClosure : .serviceRestart,
      reason: "a" + String(repeating: letter, count: action.size % 130))
  }

  /// A connection of the network, one direction of it stands still for a while, or both break.
  private func disturb(_ action: Action) {
    let number = action.target
    if action.kind == .reset {
      simulation.resetConnection(number)
      return action.argument % 4 == 0 ? replace(action) : ()
    }
    let nanoseconds = Int64(action.argument) * (action.isText ? 200 : 4000)
    simulation.stallConnection(number, nanoseconds: nanoseconds)
  }

  /// What is on its way to a connection that has ended must not come to the one that has its place.
  private func replace(_ action: Action) {
    // One that is there before the other has gone comes to its place soonest.
    if action.argument % 8 == 0 { dial(action) }
    for session in model.sessions where session.isServer && session.isOpen {
      send(order(action), from: session)
    }
    if action.argument % 8 != 0 { dial(action) }
  }

  private func fragments(_ action: Action) {
    guard let session = open(isServer: action.target % 2 == 0, action.target / 2) else { return }
    sendFragments(
      action.size, count: 1 + action.argument % 5, isText: action.isText, from: session)
  }

  /// What is sent as text and is none, in one frame or in fragments.
  private func sendMalformed(_ action: Action) {
    guard let session = open(isServer: action.target % 2 == 0, action.target / 2) else { return }
    nonisolated(unsafe) let own = session
    let malformation = Malformation(action.argument)
    let send = { [unowned self] in
      sendFragments(
        action.size, count: 1 + action.topic * 2, isText: true, malformation: malformation,
        from: own)
    }
    guard session.isFragmentedByOwner else { return send() }
    nonisolated(unsafe) let job = send
    _ = session.connection?.withState(as: Int.self) { _ in job() }
  }

  private func useState(_ session: Session?) {
    guard let session else { return }
    nonisolated(unsafe) let own = session
    _ = session.connection?.withState(as: Int.self) { [unowned self] state in
      if state != own.number { model.report("a state was given to another connection") }
      model.checkIsOpen(own, "withState")
    }
  }

  private func subscribe(_ action: Action, _ session: Session?) {
    guard let session else { return }
    if session.isSubscribedByOwner {
      // Its own thread does that: have the client ask for it.
      guard let peer = session.peer else { return }
      return send(
        Order(operation: Action.Command.subscribe.rawValue, argument: action.topic), from: peer)
    }
    subscribe(session, action.topic, backBy: action.argument % 3 == 0 ? action.argument % 30 : 0)
  }
}
