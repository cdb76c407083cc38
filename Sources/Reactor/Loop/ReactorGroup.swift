internal import CURing
internal import Glibc
internal import Synchronization

/// Reactor threads that serve the same listeners with the same protocol.
public final class ReactorGroup: Sendable {
  /// How it was told to run. Any thread.
  public let configuration: ReactorConfiguration
  /// The kernel interface that runs.
  public let backend: BackendKind
  /// The addresses that are listened on, with the ports that the kernel chose for port 0.
  public let addresses: [SocketAddress]

  private let listeners: ListenerSet
  private let reactors: [Reactor]
  private let threads: ReactorThreads
  private let isStopped = Atomic<Bool>(false)
  private let turn = Atomic<Int>(0)

  /// Opens the listeners and starts the threads. Connections are accepted when it returns.
  ///
  /// - Parameters:
  ///   - configuration: how to run.
  ///   - addresses: where to listen.
  ///   - options: for the listening sockets; what concerns connections is inherited from them.
  ///   - attachmentByteCount: bytes that the handler wants to have with each connection, aligned to
  ///     16.
  ///   - makeHandler: makes the handler of one reactor, on its thread.
  /// - Throws: what the operating system refused, and what can be done about it.
  public init(
    configuration: ReactorConfiguration, addresses: [SocketAddress],
    options: ListenerOptions = ListenerOptions(), attachmentByteCount: Int = 0,
    makeHandler: @escaping @Sendable (Reactor) -> any ConnectionHandler
  ) throws(SystemError) {
    configuration.check()
    self.configuration = configuration
    if configuration.raisesOpenFileLimit { OpenFileLimit.raise() }
    let choice = try configuration.backend.decide()
    let count = max(1, configuration.reactorCount ?? CPUSet.reactorCountDefault())
    listeners = try ListenerSet(
      addresses, options: options, distribution: configuration.distribution, reactorCount: count)
    self.addresses = listeners.addresses
    let starter = ReactorStarter(
      configuration: configuration, listeners: listeners, count: count,
      attachmentByteCount: attachmentByteCount, makeHandler: makeHandler)
    do throws(SystemError) {
      let started = try starter.start(choice)
      backend = started.kind
      reactors = started.reactors
      threads = started.threads
    } catch {
      listeners.close()
      throw error
    }
  }

  /// Has all connections end, and then the threads. Returns at once. Any thread.
  public func stop() {
    guard !isStopped.exchange(true, ordering: .relaxed) else { return }
    threads.expectEnd(
      afterNanoseconds: Reactor.nanoseconds(milliseconds: configuration.stopMilliseconds))
    for reactor in reactors {
      reactor.execute { call in
        if call == .run { ReactorLoop.current?.stop() }
      }
    }
  }

  /// Waits until all threads have ended after a `stop`: no longer than
  /// `ReactorConfiguration.stopMilliseconds` and two seconds from it on, even if a handler does not
  /// return. Then a line in the log says which reactors are stuck. Any thread, also several, but one of
  /// the group's own, which would wait for itself: there it ends the process with a text that says so.
  @discardableResult
  public func wait() -> StopOutcome {
    checkIsOutside("wait")
    let (stuck, isFirst) = threads.wait()
    for position in reactors.indices {
      guard stuck.contains(position) else {
        listeners.close(listenersOfReactor: position)
        continue
      }
      listeners.withdraw(listenersOfReactor: position)
      if isFirst { report(stuck: reactors[position]) }
    }
    return stuck.isEmpty ? .ended : .stuck(reactors: stuck)
  }

  /// Serves until the process gets one of these signals, or `stop` is called; then until all
  /// connections have ended, as `wait`.
  ///
  /// What happens to the signals meanwhile stands at `SignalWatch`. If the process has no descriptor
  /// or no thread for it, they keep the effect that they have, and a line in the log says so.
  @discardableResult
  public func run(stoppingOn signals: [StopSignal]) -> StopOutcome {
    var watch: SignalWatch?
    do throws(SystemError) {
      if !signals.isEmpty { watch = try SignalWatch(signals) { self.stop() } }
    } catch {
      configuration.log("martlet: signals end the process at once, not by a stop: \(error)")
    }
    defer { watch?.cancel() }
    return wait()
  }

  private func report(stuck reactor: Reactor) {
    let milliseconds = reactor.counters.passNanoseconds / 1_000_000
    configuration.log(
      """
      martlet: reactor \(reactor.position) has not ended: it has been in one pass for \
      \(milliseconds) ms. A handler blocks it; its thread ends when that returns
      """)
  }

  /// Ends the process if the calling thread is one of the group's reactors, for which waiting for the
  /// group would be a deadlock.
  package func checkIsOutside(_ function: String) {
    guard let current = Reactor.current, reactors.contains(where: { $0 === current }) else {
      return
    }
    misuse(
      "\(function) is called on one of the threads that it would wait for, as within a handler. Call "
        + "it on another thread, or call stop, which does not wait.")
  }

  /// One of the reactors: each has its turn. Any thread.
  public func nextReactor() -> Reactor {
    let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    return reactors[Int(UInt(bitPattern: turn) % UInt(reactors.count))]
  }

  /// What each reactor has done and holds. Any thread.
  public var statistics: [ReactorStatistics] {
    reactors.map(\.statistics)
  }

  /// Runs a job on each reactor's thread; with nil, on the calling one, for those that have
  /// stopped.
  public func execute(_ job: @escaping @Sendable (Reactor?) -> Void) {
    for reactor in reactors {
      reactor.execute { call in job(call == .run ? Reactor.current : nil) }
    }
  }
}
