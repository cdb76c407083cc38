internal import Glibc
internal import Reactor
internal import WebSocketProtocol

/// Makes the connections of one `Dial`, on the thread of its reactor: resolves the name, tries one
/// address after the other, does the opening handshake, and begins anew if that is wanted.
final class Dialer: @unchecked Sendable {
  /// What is to be done.
  @safe struct Order: Sendable {
    let url: WebSocketURL
    let options: DialOptions
    /// A socket that is connected already.
    let descriptor: Int32?
    let timeoutMilliseconds: Int
    /// Makes the application's state.
    let initialize: @Sendable (UnsafeMutableRawPointer) -> Void
  }

  private enum Phase {
    /// Waits for the time of the next attempt.
    case waiting
    /// Waits until fewer others are under way.
    case queued
    case resolving
    /// Waits for room in the backlog of a Unix socket.
    case blocked
    case connecting
    /// Waits for the server's response.
    case handshake
    case open
    case ended
  }

  let order: Order
  private let dial: Dial
  private let engine: Engine
  private var phase = Phase.waiting
  private(set) var connection: ConnectionPointer?
  /// What the request of this attempt says.
  private(set) var request: UpgradeRequestBuilder
  /// This end wants no connection any more.
  var isEnded = false
  /// Why this attempt fails, if that is known before the connection has gone.
  private var failure: ConnectFailure?
  /// What the resolver has been asked, as long as the answer is waited for.
  private var inquiry: NameInquiry?
  private var addresses: [SocketAddress] = []
  private var position = 0
  /// Counts attempts, so that what belongs to an earlier one is told apart.
  private var attempt = 0
  private var deadlineNanoseconds: Int64 = 0
  private var openedNanoseconds: Int64?
  /// In a row.
  private var failureCount = 0
  /// It is one of those that the queue lets be under way.
  private var hasTurn = false

  static func start(_ order: Order, for dial: Dial) {
    dial.reactor.execute { outcome in
      guard outcome == .sent, let engine = Reactor.currentHandler as? Engine,
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
  private static let resolvingLookMilliseconds = 1_000
  private static let roomLookMilliseconds = 20

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
    if let address = order.options.address { return tryAll([address]) }
    if let address = SocketAddress.parse(order.url.host, port: order.url.port) {
      return tryAll([address])
    }
    resolve()
  }

  private func adopt(_ descriptor: Int32) {
    do {
      register(try engine.reactor.adopt(descriptor))
    } catch {
      Self.close(descriptor)
      attemptFailed(.system(error))
    }
  }

  private func resolve() {
    phase = .resolving
    let current = attempt
    inquiry = SocketAddress.resolve(order.url.host, port: order.url.port) { [dial] result in
      dial.reactor.execute { outcome in
        guard outcome == .sent, self.attempt == current, self.phase == .resolving else { return }
        self.inquiry = nil
        switch result {
        case .success(let addresses): self.tryAll(addresses)
        case .failure(let error): self.attemptFailed(.system(error))
        }
      }
    }
    limitResolving(ofAttempt: current)
  }

  /// Looks every now and then whether the time is over: a job cannot be undone, and one for the end
  /// of a long time would outlive by far what it is for.
  private func limitResolving(ofAttempt current: Int) {
    let wait = min(remainingMilliseconds, Self.resolvingLookMilliseconds)
    // When the reactor ends, it is this that says so, and on the reactor's thread: an answer may
    // take its time.
    engine.reactor.execute(afterMilliseconds: wait) { [weak self] outcome in
      guard let self, attempt == current, phase == .resolving else { return }
      guard outcome == .sent else { return stopped() }
      guard isTimeOver else { return limitResolving(ofAttempt: current) }
      attemptFailed(.timeout)
    }
  }

  /// An answer that may never come keeps nobody alive, and no thread busy that has not begun.
  private func stopResolving() {
    inquiry?.withdraw()
    inquiry = nil
  }

  private func tryAll(_ addresses: [SocketAddress]) {
    self.addresses = addresses
    position = 0
    tryNext(after: .system(.unresolved(order.url.host, "it has no address")))
  }

  private func tryNext(after failure: ConnectFailure) {
    var failure = failure
    while position < addresses.count {
      let address = addresses[position]
      do throws(SystemError) {
        return register(try engine.reactor.connect(to: address, options: order.options.socket))
      } catch {
        if error.code == EAGAIN, address.isUnix { return waitForRoom() }
        failure = .system(error)
      }
      position += 1
    }
    attemptFailed(failure)
  }

  /// A Unix socket's backlog is full (connect(2)). TCP would wait for room by itself; here nothing
  /// tells when there is some.
  private func waitForRoom() {
    guard !isTimeOver else { return attemptFailed(.timeout) }
    phase = .blocked
    let current = attempt
    let wait = min(remainingMilliseconds, Self.roomLookMilliseconds)
    engine.reactor.execute(afterMilliseconds: wait) { outcome in
      guard self.attempt == current, self.phase == .blocked else { return }
      if outcome == .sent { self.tryNext(after: .timeout) } else { self.stopped() }
    }
  }

  private func register(_ connection: ConnectionPointer) {
    self.connection = connection
    phase = .connecting
    engine.begin(connection, self)
    // Each address that is left has the same share of the time.
    let left = max(1, addresses.count - position)
    engine.reactor.setDeadline(on: connection, afterMilliseconds: remainingMilliseconds / left)
  }

  private var remainingMilliseconds: Int {
    max(1, Int((deadlineNanoseconds - engine.reactor.nowNanoseconds) / 1_000_000))
  }

  private var isTimeOver: Bool { engine.reactor.nowNanoseconds >= deadlineNanoseconds }

  // MARK: From the engine

  /// The socket has connected: the request is to be sent.
  func connected(_ connection: ConnectionPointer) {
    phase = .handshake
    if let fresh = try? Self.request(
      to: order.url, order.options, key: engine.makeHandshakeKey())
    {
      request = fresh
    }
    engine.reactor.setDeadline(on: connection, afterMilliseconds: remainingMilliseconds)
  }

  /// The attempt fails, once the connection has gone. What is said first counts.
  func fail(_ reason: ConnectFailure) {
    if failure == nil { failure = reason }
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
  func closed(_ error: SystemError?) {
    guard phase == .connecting || phase == .handshake else { return }
    let wasConnecting = phase == .connecting
    phase = .waiting
    connection = nil
    let reason = failure ?? error.map { .system(explained($0, wasConnecting)) } ?? .closed
    if wasConnecting, !isEnded, position + 1 < addresses.count, remainingMilliseconds > 1 {
      position += 1
      failure = nil
      return tryNext(after: reason)
    }
    attemptFailed(reason)
  }

  /// Of one that could not be made, with whom it was to be.
  private func explained(_ error: SystemError, _ wasConnecting: Bool) -> SystemError {
    guard wasConnecting, position < addresses.count else { return error }
    return SystemError("connect to \(addresses[position])", code: error.code)
  }

  // MARK: The end, or the next attempt

  func cancel() {
    isEnded = true
    switch phase {
    case .waiting, .queued, .resolving, .blocked: end(.cancelled)
    case .connecting, .handshake:
      guard let connection else { return }
      fail(.cancelled)
      engine.reactor.abort(connection, reset: false)
    case .open:
      if let connection { engine.close(connection, code: .normalClosure, reason: "") }
    // It may have been opened for good after whoever cancels has looked.
    case .ended: dial.connection?.close()
    }
  }

  private func attemptFailed(_ reason: ConnectFailure) {
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
    engine.reactor.execute(afterMilliseconds: delay) { outcome in
      guard self.attempt == current, self.phase == .waiting else { return }
      if outcome == .sent { self.begin() } else { self.stopped() }
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
