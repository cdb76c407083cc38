internal import Glibc
internal import Reactor

/// From addresses to a connection: does what the race says.
extension Dialer {
  /// A connection that is being made to one of the addresses.
  struct Contestant {
    let connection: ConnectionPointer
    let position: Int
  }

  private static let roomLookMilliseconds = 20

  func connect(to addresses: [SocketAddress]) {
    beginRace(of: addresses, addressCount: addresses.count)
    perform(race.next(atNanoseconds: engine.reactor.nowNanoseconds))
  }

  /// Takes over a socket that is connected already: a race without rivals.
  func adopt(_ descriptor: Int32) {
    beginRace(of: [], addressCount: 1)
    _ = race.next(atNanoseconds: engine.reactor.nowNanoseconds)
    do {
      perform(enter(try engine.reactor.adopt(descriptor), at: 0))
    } catch {
      Self.close(descriptor)
      attemptFailed(.system(error))
    }
  }

  private func beginRace(of addresses: [SocketAddress], addressCount: Int) {
    phase = .connecting
    self.addresses = addresses
    addressFailure = nil
    raceWakeNanoseconds = nil
    race = AddressRace(
      addressCount: addressCount, delayMilliseconds: order.attemptDelayMilliseconds)
  }

  private func perform(_ action: AddressRace.Action) {
    var action = action
    while case .connect(let position) = action {
      guard position == 0 || !isTimeOver else {
        fail(.timeout)
        return giveUpRace()
      }
      do throws(SystemError) {
        let connection = try engine.reactor.connect(
          to: addresses[position], options: order.options.socket)
        action = enter(connection, at: position)
      } catch {
        if error.code == EAGAIN, addresses[position].isUnix { return waitForRoom(at: position) }
        note(error)
        action = race.failed(position, atNanoseconds: engine.reactor.nowNanoseconds)
      }
    }
    switch action {
    case .wait(let time): wake(atNanoseconds: time)
    case .fail: giveUpRace()
    case .none, .connect: break
    }
  }

  private func enter(_ connection: ConnectionPointer, at position: Int) -> AddressRace.Action {
    contestants.append(Contestant(connection: connection, position: position))
    engine.begin(connection, self)
    engine.reactor.setDeadline(on: connection, afterMilliseconds: remainingMilliseconds)
    return race.began(position, atNanoseconds: engine.reactor.nowNanoseconds)
  }

  private func wake(atNanoseconds time: Int64) {
    guard raceWakeNanoseconds != time else { return }
    raceWakeNanoseconds = time
    let current = attempt
    let nanoseconds = time - engine.reactor.nowNanoseconds
    let wait = Int((nanoseconds + 999_999) / 1_000_000)
    engine.reactor.execute(afterMilliseconds: wait) { [weak self] call in
      guard let self, attempt == current, phase == .connecting, raceWakeNanoseconds == time else {
        return
      }
      guard call == .run else { return stopped() }
      raceWakeNanoseconds = nil
      perform(race.next(atNanoseconds: engine.reactor.nowNanoseconds))
    }
  }

  /// A Unix socket's backlog is full (connect(2)). TCP would wait for room by itself; here nothing
  /// tells when there is some.
  private func waitForRoom(at position: Int) {
    guard !isTimeOver else { return attemptFailed(.timeout) }
    phase = .blocked
    let current = attempt
    let wait = min(remainingMilliseconds, Self.roomLookMilliseconds)
    engine.reactor.execute(afterMilliseconds: wait) { call in
      guard self.attempt == current, self.phase == .blocked else { return }
      guard call == .run else { return self.stopped() }
      self.phase = .connecting
      self.perform(.connect(to: position))
    }
  }

  // MARK: What becomes of contestants

  /// The others are closed, and nothing is heard of them any more.
  func endRace(wonBy winner: ConnectionPointer) {
    race.end()
    for contestant in contestants where contestant.connection != winner {
      engine.discard(contestant.connection)
    }
    contestants.removeAll()
  }

  func contestantClosed(_ contestant: Contestant, _ error: SystemError?) {
    // The reactor takes no more connections.
    if error?.code == ECANCELED { fail(.stopped) }
    guard let error, failure == nil else { return giveUpRace() }
    note(explained(error, contestant.position))
    perform(race.failed(contestant.position, atNanoseconds: engine.reactor.nowNanoseconds))
  }

  /// No address can win any more. The attempt fails when all of its connections have gone.
  func giveUpRace() {
    guard contestants.isEmpty else {
      for contestant in contestants {
        engine.reactor.abort(contestant.connection, reset: false)
      }
      return
    }
    attemptFailed(failure ?? addressFailure.map { .system($0) } ?? .closed)
  }

  /// That there is no way to an address tells less than what another one has answered.
  private func note(_ error: SystemError) {
    if let known = addressFailure, error.saysThereIsNoWay, !known.saysThereIsNoWay { return }
    addressFailure = error
  }

  /// With whom the connection was to be made.
  private func explained(_ error: SystemError, _ position: Int) -> SystemError {
    guard position < addresses.count else { return error }
    let advice =
      addresses.count > 1 ? "None of \(addresses.count) addresses could be connected to." : nil
    return SystemError("connect to \(addresses[position])", code: error.code, advice: advice)
  }
}

extension SystemError {
  fileprivate var saysThereIsNoWay: Bool {
    // EINVAL: a link-local address without its interface.
    [
      ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL,
    ].contains(code)
  }
}
