public import Reactor
public import WebSocketProtocol

/// A WebSocket client: any number of connections to any servers, on reactors of its own. It runs
/// until it is stopped, whether somebody holds on to it or not.
///
/// ```swift
/// let client = try Client { on in
///   on.opened = { connection, _ in connection.send("hello") }
///   on.received = { _, message, _ in print(message.text) }
/// }
/// try client.connect(to: "ws://localhost:8080/")
/// ```
///
/// The connections are the same as a server's: handles that any thread may use, handlers that are
/// called on the reactor's thread.
public final class Client<State>: Sendable {
  let group: ReactorGroup
  let configuration: ClientConfiguration

  /// Starts a client.
  ///
  /// - Parameters:
  ///   - configuration: every limit.
  ///   - handler: what the application does with its connections.
  /// - Throws: what the operating system refused, and what can be done about it.
  public convenience init<Handler: WebSocketHandler>(
    _ configuration: ClientConfiguration = ClientConfiguration(), handler: Handler
  ) throws(SystemError) where Handler.State == State {
    try self.init(configuration, TypedApplication(handler))
  }

  /// Starts a client whose handler takes frames, not messages.
  ///
  /// - Parameters:
  ///   - configuration: every limit.
  ///   - frameHandler: what the application does with its connections.
  /// - Throws: what the operating system refused, and what can be done about it.
  public convenience init<Handler: FrameHandler>(
    _ configuration: ClientConfiguration = ClientConfiguration(), frameHandler: Handler
  ) throws(SystemError) where Handler.State == State {
    try self.init(configuration, TypedFrameApplication(frameHandler))
  }

  private init(
    _ configuration: ClientConfiguration, _ application: any Application
  ) throws(SystemError) {
    self.configuration = configuration
    group = try ReactorGroup(
      configuration: configuration.reactor, addresses: [],
      attachmentByteCount: ConnectionPointer.stateOffset + MemoryLayout<State>.size
    ) { reactor in
      Engine(
        reactor: reactor, application: application, role: .client,
        configuration: EngineConfiguration(configuration))
    }
  }

  /// Starts a client with closures for handler.
  ///
  /// - Parameters:
  ///   - configuration: every limit.
  ///   - state: the type of what the application keeps for each connection.
  ///   - configure: sets the closures.
  /// - Throws: what the operating system refused, and what can be done about it.
  public convenience init(
    _ configuration: ClientConfiguration = ClientConfiguration(), state: State.Type,
    _ configure: (inout Callbacks<State>) -> Void
  ) throws(SystemError) {
    var callbacks = Callbacks<State>()
    configure(&callbacks)
    try self.init(configuration, handler: callbacks)
  }

  /// Begins to connect. Any thread; never blocks. The handler's `opened` follows, or
  /// `DialOptions.attemptFailed`; what is returned can be waited for and cancelled.
  ///
  /// It may be called for any number of connections at once: each reactor has
  /// `ClientConfiguration.dialCountMax` attempts under way, and the others wait for their turn. More
  /// than some 28,000 connections to one address need more than one address to come from
  /// (`ConnectingOptions.localAddress`), more than there may be open files direct descriptors
  /// (`ReactorConfiguration.usesDirectDescriptors`), of which each reactor has as many as there may be
  /// open files.
  ///
  /// - Parameters:
  ///   - url: `ws://host:port/path?query`.
  ///   - options: how to do it.
  ///   - state: makes what the application keeps for the connection, anew for each that is opened.
  /// - Returns: what is under way.
  /// - Throws: if the URL, or something in the options, cannot be written into a request.
  @discardableResult
  public func connect(
    to url: String, options: DialOptions = DialOptions(),
    state: @autoclosure @escaping @Sendable () -> State
  ) throws(HandshakeFieldError) -> Dial {
    try dial(try WebSocketURL(url), over: nil, options, state)
  }

  /// As `connect(to:options:state:)`, over a connected stream socket, which is the client's from
  /// now on, also if this throws. For others who hold it the connection ends with the client's, but
  /// not with direct descriptors: then nobody else may hold it. Of the options, `address`, `socket`
  /// and `reconnect` have no effect: such a connection is not made anew.
  @discardableResult
  public func connect(
    over descriptor: Int32, to url: String, options: DialOptions = DialOptions(),
    state: @autoclosure @escaping @Sendable () -> State
  ) throws(HandshakeFieldError) -> Dial {
    do {
      return try dial(try WebSocketURL(url), over: descriptor, options, state)
    } catch {
      Dialer.close(descriptor)
      throw error
    }
  }

  private func dial(
    _ url: WebSocketURL, over descriptor: Int32?, _ options: DialOptions,
    _ state: @escaping @Sendable () -> State
  ) throws(HandshakeFieldError) -> Dial {
    // To see now what cannot be written.
    _ = try Dialer.request(to: url, options, key: HandshakeKey(nonce: .init(repeating: 0)))
    let dial = Dial(url: url, reactor: group.nextReactor(), group: group)
    let order = unsafe Dialer.Order(
      url: url, options: options, descriptor: descriptor,
      timeoutMilliseconds: options.connectTimeoutMilliseconds
        ?? configuration.connectTimeoutMilliseconds,
      attemptDelayMilliseconds: options.connectionAttemptDelayMilliseconds
        ?? configuration.connectionAttemptDelayMilliseconds,
      resolve: configuration.resolve,
      initialize: { unsafe $0.initializeMemory(as: State.self, to: state()) })
    Dialer.start(order, for: dial)
    return dial
  }

  /// The kernel interface that the client runs on.
  public var backend: BackendKind { group.backend }

  /// What each reactor has done and holds.
  public var statistics: [ReactorStatistics] { group.statistics }

  /// Closes all connections with 1001, makes no more, and ends when they have ended, or after
  /// `ReactorConfiguration.stopMilliseconds`. Returns at once. Any thread.
  public func stop() {
    group.stop()
  }

  /// Goes on until the process gets one of these signals, or `stop` is called; then until all
  /// connections have ended: as `Server.run`.
  /// - Returns: whether all reactors have ended.
  @discardableResult
  public func run(stoppingOn signals: [StopSignal] = [.interrupt, .terminate]) -> StopOutcome {
    group.checkIsOutside("Client.run")
    return group.run(stoppingOn: signals)
  }

  /// Waits until the client has ended after a `stop`: no longer than
  /// `ReactorConfiguration.stopMilliseconds` and two seconds from that on, even if a handler does not
  /// return; the log is told then. Not for a handler: on a thread of the client's own it would wait for
  /// itself, so there it ends the process with a text that says so.
  /// - Returns: whether all reactors have ended.
  @discardableResult
  public func wait() -> StopOutcome {
    group.checkIsOutside("Client.wait")
    return group.wait()
  }
}

extension Client where State == Void {
  /// Starts a client with closures for handler, that keeps nothing for each connection.
  ///
  /// - Parameters:
  ///   - configuration: every limit.
  ///   - configure: sets the closures.
  /// - Throws: what the operating system refused, and what can be done about it.
  public convenience init(
    _ configuration: ClientConfiguration = ClientConfiguration(),
    _ configure: (inout Callbacks<Void>) -> Void
  ) throws(SystemError) {
    try self.init(configuration, state: Void.self, configure)
  }

  /// As `connect(to:options:state:)`, for a client that keeps nothing for each connection.
  @discardableResult
  public func connect(
    to url: String, options: DialOptions = DialOptions()
  ) throws(HandshakeFieldError) -> Dial {
    try connect(to: url, options: options, state: ())
  }

  /// As `connect(over:to:options:state:)`, for a client that keeps nothing for each connection.
  @discardableResult
  public func connect(
    over descriptor: Int32, to url: String, options: DialOptions = DialOptions()
  ) throws(HandshakeFieldError) -> Dial {
    try connect(over: descriptor, to: url, options: options, state: ())
  }
}
