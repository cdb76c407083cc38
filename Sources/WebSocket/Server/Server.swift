public import Reactor

/// A WebSocket server. It runs until it is stopped, whether somebody holds on to it or not.
///
/// ```swift
/// let server = try Server(.init(port: 8080)) { on in
///   on.received = { connection, message, _ in connection.send(message) }
/// }
/// server.run()
/// ```
public final class Server: Sendable {
  let group: ReactorGroup
  /// The server's topics, by name. A handler that needs topics before there is a server makes a
  /// registry of its own.
  public let topics = TopicRegistry()

  /// Starts a server: when this returns, it accepts connections.
  ///
  /// - Parameters:
  ///   - configuration: where to listen, and every limit.
  ///   - handler: what the application does with its connections: a type of its own, or `Callbacks`.
  /// - Throws: what the operating system refused, and what can be done about it.
  @inlinable
  public convenience init<Handler: WebSocketServerHandler>(
    _ configuration: ServerConfiguration, handler: Handler
  ) throws(SystemError) {
    (handler as? any CheckedAtStart)?.checkAtStart()
    try self.init(
      configuration, Handler.State.self, TypedApplication(handler), TypedNegotiator(handler))
  }

  /// Starts a server whose handler takes frames, not messages.
  ///
  /// - Parameters:
  ///   - configuration: where to listen, and every limit.
  ///   - frameHandler: what the application does with its connections.
  /// - Throws: what the operating system refused, and what can be done about it.
  @inlinable
  public convenience init<Handler: FrameHandler & UpgradeHandler>(
    _ configuration: ServerConfiguration, frameHandler: Handler
  ) throws(SystemError) {
    try self.init(
      configuration, Handler.State.self, TypedFrameApplication(frameHandler),
      TypedNegotiator(frameHandler))
  }

  /// Starts a server with closures for handler.
  ///
  /// - Parameters:
  ///   - configuration: where to listen, and every limit.
  ///   - state: the type of what the application keeps for each connection.
  ///   - configure: sets the closures.
  /// - Throws: what the operating system refused, and what can be done about it.
  @inlinable
  public convenience init<State>(
    _ configuration: ServerConfiguration, state: State.Type,
    _ configure: (inout Callbacks<State>) -> Void
  ) throws(SystemError) {
    var callbacks = Callbacks<State>()
    configure(&callbacks)
    try self.init(configuration, handler: callbacks)
  }

  /// Starts a server with closures for handler, that keeps nothing for each connection.
  ///
  /// - Parameters:
  ///   - configuration: where to listen, and every limit.
  ///   - configure: sets the closures.
  /// - Throws: what the operating system refused, and what can be done about it.
  @inlinable
  public convenience init(
    _ configuration: ServerConfiguration, _ configure: (inout Callbacks<Void>) -> Void
  ) throws(SystemError) {
    try self.init(configuration, state: Void.self, configure)
  }

  @usableFromInline
  init<State>(
    _ configuration: ServerConfiguration, _ state: State.Type, _ application: any Application,
    _ negotiator: any Negotiator
  ) throws(SystemError) {
    group = try ReactorGroup(
      configuration: configuration.reactor, addresses: configuration.addresses,
      options: configuration.listener,
      attachmentByteCount: ConnectionPointer.stateOffset + MemoryLayout<State>.size
    ) { reactor in
      Engine(
        reactor: reactor, application: application, negotiator: negotiator, role: .server,
        configuration: EngineConfiguration(configuration))
    }
  }

  /// Where the server listens, with the ports that the kernel chose.
  public var addresses: [SocketAddress] { group.addresses }

  /// The kernel interface that the server runs on.
  public var backend: BackendKind { group.backend }

  /// What each reactor has done and holds.
  public var statistics: [ReactorStatistics] { group.statistics }

  /// Serves until the process gets one of these signals, or `stop` is called; then until all
  /// connections have ended, as `wait`. Any thread but one of the server's own. Several servers may
  /// run at once, and a signal stops them all.
  ///
  /// A second signal while the server stops ends the process by the signal's default action. What
  /// else happens to the signals meanwhile, and to handlers of the program for them, stands at
  /// `SignalWatch`. If the process has no descriptor or no thread to watch them with, they keep the
  /// effect that they have, by which the process ends at once, as a rule; the log is told.
  /// - Returns: whether all reactors have ended.
  @discardableResult
  public func run(stoppingOn signals: [StopSignal] = [.interrupt, .terminate]) -> StopOutcome {
    group.checkIsOutside("Server.run")
    return group.run(stoppingOn: signals)
  }

  /// Closes all connections with 1001, and ends when they have ended, or after
  /// `ReactorConfiguration.stopMilliseconds`. Returns at once. Any thread.
  public func stop() {
    group.stop()
  }

  /// Waits until the server has ended after a `stop`: no longer than
  /// `ReactorConfiguration.stopMilliseconds` and two seconds from that on, even if a handler does not
  /// return; the log is told then. Not for a handler: on a thread of the server's own it would wait for
  /// itself, so there it ends the process with a text that says so.
  /// - Returns: whether all reactors have ended.
  @discardableResult
  public func wait() -> StopOutcome {
    group.checkIsOutside("Server.wait")
    return group.wait()
  }
}
