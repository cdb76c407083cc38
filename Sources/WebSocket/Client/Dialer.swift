internal import Glibc
internal import Reactor
internal import WebSocketProtocol

/// Makes the connections of one `Dial`, on the thread of its reactor: resolves the name, has its
/// addresses race, does the opening handshake, and begins anew if that is wanted.
///
/// Here is what becomes of an attempt. `Dialer+Resolving` finds the addresses, `Dialer+Racing`
/// connects to them.
final class Dialer: @unchecked Sendable {
  /// What is to be done.
  @safe struct Order: Sendable {
    let url: WebSocketURL
    let options: DialOptions
    /// A socket that is connected already.
    let descriptor: Int32?
    let timeoutMilliseconds: Int
    let attemptDelayMilliseconds: Int
    let resolve: ClientConfiguration.Resolve
    /// Makes the application's state.
    let initialize: @Sendable (UnsafeMutableRawPointer) -> Void
  }

  enum Phase {
    /// Waits for the time of the next attempt.
    case waiting
    /// Waits until fewer others are under way.
    case queued
    case resolving
    /// Waits for room in the backlog of a Unix socket.
    case blocked
    /// Connects to one address or several.
    case connecting
    /// Waits for the server's response.
    case handshake
    case open
    case ended
  }

  let order: Order
  let dial: Dial
  let engine: Engine
  var phase = Phase.waiting
  /// The one that has won the race.
  private var connection: ConnectionPointer?
  /// What the request of this attempt says.
  private(set) var request: UpgradeRequestBuilder
  /// This end wants no connection any more.
  var isEnded = false
  /// Why this attempt fails, if that is known before its connections have gone.
  private(set) var failure: ConnectFailure?
  /// What the resolver has been asked, as long as the answer is waited for.
  var inquiry: NameInquiry?
  /// Those that this attempt tries.
  var addresses: [SocketAddress] = []
  var race = AddressRace(addressCount: 0, delayMilliseconds: 0)
  var contestants: [Contestant] = []
  /// What is told of the addresses if all of them fail.
  var addressFailure: SystemError?
  /// When the job runs that the race waits for.
  var raceWakeNanoseconds: Int64?
  /// Counts attempts, so that what belongs to an earlier one is told apart.
  private(set) var attempt = 0
  private var deadlineNanoseconds: Int64 = 0
  private var openedNanoseconds: Int64?
  /// In a row.
  private var failureCount = 0
  /// It is one of those that the queue lets be under way.
  private var hasTurn = false

  static func start(_ order: Order, for dial: Dial) {
    dial.reactor.execute { call in
      guard call == .run, let engine = Reactor.currentHandler as? Engine,
        let dialer = Dialer(order, dial, engine)
      else {
        order.descriptor.map(close)
        order.options.attemptFailed?(.stopped, nil)
        return dial.ended(.stopped)
      }
      guard dial.begin(dialer) else {
        order.descriptor.map(close)
        return dialer.end(.cancelled)
      }
      dialer.begin()
    }
  }

  private init?(_ order: Order, _ dial: Dial, _ engine: Engine) {
    guard
      let request = try? Self.request(to: order.url, order.options, key: engine.makeHandshakeKey())
    else { return nil }
    self.order = order
    self.dial = dial
    self.engine = engine
    self.request = request
  }

  static func request(
    to url: WebSocketURL, _ options: DialOptions, key: HandshakeKey
  ) throws(HandshakeFieldError) -> UpgradeRequestBuilder {
    try UpgradeRequestBuilder(
      host: url.authority, target: url.target, key: key, subprotocols: options.subprotocols,
      origin: options.origin, headers: options.headers)
  }

  static func close(_ descriptor: Int32) {
    Reactor.close(descriptor)
  }

  // MARK: An attempt

  /// A year: longer ones are that long.
  private static let timeoutMillisecondsMax = 366 * 24 * 3600 * 1000

  var waitsForTurn: Bool { phase == .queued }

  /// Whom it connects to: dials with the same target share their turns.
  var target: String { order.options.address?.description ?? order.url.authority }

  private func begin() {
    guard !isEnded else { return end(.cancelled) }
    // What is connected already needs no turn.
    guard order.descriptor == nil else { return beginAttempt() }
    phase = .queued
    engine.enqueue(self)
  }

  /// It is its turn.
  func beginTurn() {
    hasTurn = true
    beginAttempt()
  }

  private func endTurn() {
    guard hasTurn else { return }
    hasTurn = false
    engine.turnEnded(of: self)
  }

  private func beginAttempt() {
    attempt += 1
    failure = nil
    let timeout = min(max(order.timeoutMilliseconds, 0), Self.timeoutMillisecondsMax)
    deadlineNanoseconds = engine.reactor.nowNanoseconds + Int64(timeout) * 1_000_000
    if let descriptor = order.descriptor { return adopt(descriptor) }
    if let address = order.options.address { return connect(to: [address]) }
    if let address = SocketAddress.parse(order.url.host, port: order.url.port) {
      return connect(to: [address])
    }
    resolve()
  }

  var remainingMilliseconds: Int {
    max(1, Int((deadlineNanoseconds - engine.reactor.nowNanoseconds) / 1_000_000))
  }

  var isTimeOver: Bool { engine.reactor.nowNanoseconds >= deadlineNanoseconds }

  // MARK: From the engine

  /// The socket has connected: the request is to be sent. What this server answers is the outcome
  /// of the attempt, whatever other addresses there are.
  func connected(_ connection: ConnectionPointer) {
    phase = .handshake
    self.connection = connection
    endRace(wonBy: connection)
    if let fresh = try? Self.request(
      to: order.url, order.options, key: engine.makeHandshakeKey())
    {
      request = fresh
    }
    engine.reactor.setDeadline(on: connection, afterMilliseconds: remainingMilliseconds)
  }

  /// The attempt fails, once its connections have gone. What is said first counts.
  func fail(_ reason: ConnectFailure) {
    if failure == nil { failure = reason }
    race.end()
  }

  func opened(_ handle: Connection) {
    openedNanoseconds = engine.reactor.nowNanoseconds
    let isLast = order.descriptor != nil || order.options.reconnect == nil
    phase = isLast ? .ended : .open
    endTurn()
    dial.opened(handle, isLast: isLast)
  }

  /// Nothing is left to do for it.
  var isDone: Bool { phase == .ended }

  /// The application has been told that the connection has ended.
  func connectionEnded(_ closure: Closure) {
    guard phase == .open else { return }
    phase = .waiting
    connection = nil
    let openNanoseconds = engine.reactor.nowNanoseconds - (openedNanoseconds ?? 0)
    guard !isEnded, let policy = order.options.reconnect, policy.reconnects(closure) else {
      return end(.closed, isFailure: false)
    }
    let isStable = openNanoseconds / 1_000_000 >= Int64(clamping: policy.stableAfterMilliseconds)
    failureCount = isStable ? 1 : failureCount + 1
    guard failureCount <= policy.failureCountMax ?? .max else {
      return end(.closed, isFailure: false)
    }
    retry(policy)
  }

  /// The connection has gone. Of one that was open, that was said before.
  func closed(_ connection: ConnectionPointer, _ error: SystemError?) {
    if let position = contestants.firstIndex(where: { $0.connection == connection }) {
      return contestantClosed(contestants.remove(at: position), error)
    }
    guard phase == .handshake else { return }
    phase = .waiting
    self.connection = nil
    attemptFailed(failure ?? error.map { .system($0) } ?? .closed)
  }

  // MARK: The end, or the next attempt

  func cancel() {
    isEnded = true
    switch phase {
    case .waiting, .queued, .resolving, .blocked: end(.cancelled)
    case .connecting:
      fail(.cancelled)
      giveUpRace()
    case .handshake:
      guard let connection else { return }
      fail(.cancelled)
      engine.reactor.abort(connection, reset: false)
    case .open:
      if let connection { engine.close(connection, code: .normalClosure, reason: "") }
    // It may have been opened for good after whoever cancels has looked.
    case .ended: dial.connection?.close()
    }
  }

  func attemptFailed(_ reason: ConnectFailure) {
    stopResolving()
    guard !isEnded else { return end(.cancelled) }
    if case .system(let error) = reason, error.code == ECANCELED { return end(.stopped) }
    // Whatever the policy says: nothing can follow.
    if reason == .stopped { return end(.stopped) }
    failureCount += 1
    defer { endTurn() }
    guard order.descriptor == nil, let policy = order.options.reconnect, policy.retries(reason),
      failureCount <= policy.failureCountMax ?? .max
    else { return end(reason) }
    // Not within the call: what is passed to a closure that is nil is not evaluated.
    let delay = retry(policy)
    order.options.attemptFailed?(reason, delay)
  }

  /// Returns the milliseconds until then.
  @discardableResult
  private func retry(_ policy: ReconnectPolicy) -> Int {
    phase = .waiting
    let longest = policy.delayMilliseconds(afterFailures: failureCount)
    let delay = engine.scratch.value.randomness.next(in: longest - longest / 2...longest)
    let current = attempt
    engine.reactor.execute(afterMilliseconds: delay) { call in
      guard self.attempt == current, self.phase == .waiting else { return }
      if call == .run { self.begin() } else { self.stopped() }
    }
    return delay
  }

  /// The client has ended; on whatever thread, and nothing is to be done with the engine.
  func stopped() {
    hasTurn = false
    end(.stopped)
  }

  /// Nothing follows any more; after an attempt that has failed or will not be made, unless it is
  /// a connection that was open and has ended.
  private func end(_ reason: ConnectFailure, isFailure: Bool = true) {
    guard phase != .ended else { return }
    phase = .ended
    connection = nil
    stopResolving()
    if isFailure { order.options.attemptFailed?(reason, nil) }
    dial.ended(reason)
    endTurn()
  }
}
