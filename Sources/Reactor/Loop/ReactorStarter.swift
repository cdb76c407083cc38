internal import CURing
internal import Glibc
internal import Synchronization

/// Starts a group's threads: all of them on one kernel interface, or none.
struct ReactorStarter: Sendable {
  let configuration: ReactorConfiguration
  let listeners: ListenerSet
  let count: Int
  let attachmentByteCount: Int
  let makeHandler: @Sendable (Reactor) -> any ConnectionHandler

  struct Started {
    let kind: BackendKind
    let reactors: [Reactor]
    let threads: ReactorThreads
  }

  /// Starts on the chosen interface. If io_uring was chosen for us and refuses one of the reactors
  /// (for want of lockable memory, say), all of them run on epoll.
  func start(_ choice: BackendDecision) throws(SystemError) -> Started {
    do throws(SystemError) {
      let started = try start(choice.kind)
      configuration.log("martlet: \(count) reactor(s) on \(choice.kind.rawValue): \(choice.reason)")
      return started
    } catch {
      guard choice.mayFallBack else { throw error }
      let started = try start(.epoll)
      configuration.log("martlet: \(count) reactor(s) on epoll: \(error)")
      return started
    }
  }

  private func start(_ kind: BackendKind) throws(SystemError) -> Started {
    if let substitute = Kernel.substitute { return try start(kind, in: substitute) }
    let gate = StartGate(count: count)
    let cpus = configuration.pinsThreads ? CPUSet.usable().numbers : []
    let threads = ReactorThreads(count: count)
    do throws(SystemError) {
      for position in 0..<count {
        let cpu = cpus.isEmpty ? nil : cpus[position % cpus.count]
        try threads.start(position) { run(position, on: kind, cpu: cpu, gate: gate) }
      }
      let reactors = try gate.waitForAll()
      listeners.setReactors(reactors)
      gate.open(true)
      return Started(kind: kind, reactors: reactors, threads: threads)
    } catch {
      gate.open(false)
      threads.join()
      throw error
    }
  }

  /// Gives the reactors to what takes the kernel's place, instead of threads.
  private func start(
    _ kind: BackendKind, in substitute: any KernelSubstitute
  ) throws(SystemError) -> Started {
    var reactors: [Reactor] = []
    for position in 0..<count {
      let reactor = try Reactor(
        position: position, configuration: configuration, attachmentByteCount: attachmentByteCount,
        kind: kind)
      reactors.append(reactor)
      substitute.run(
        ReactorLoop(reactor: reactor, handler: makeHandler(reactor), listeners: listeners))
    }
    listeners.setReactors(reactors)
    return Started(kind: kind, reactors: reactors, threads: ReactorThreads(count: 0))
  }

  /// What a reactor's thread does.
  private func run(_ position: Int, on kind: BackendKind, cpu: Int?, gate: StartGate) {
    let reactor: Reactor
    do throws(SystemError) {
      if let cpu { try Thread.pinCurrent(to: cpu) }
      reactor = try Reactor(
        position: position, configuration: configuration, attachmentByteCount: attachmentByteCount,
        kind: kind)
    } catch {
      gate.report(.failure(error))
      return
    }
    let handler = makeHandler(reactor)
    let loop = ReactorLoop(reactor: reactor, handler: handler, listeners: listeners)
    unsafe martlet_thread_set(
      reactor.number, Unmanaged.passUnretained(loop).toOpaque(),
      Unmanaged.passUnretained(handler as AnyObject).toOpaque())
    if gate.report(.success(reactor)) {
      loop.run()
    } else {
      loop.tearDown()
    }
    martlet_thread_set(0, nil, nil)
  }
}

/// Where the threads of a group wait for each other's start.
private final class StartGate: Sendable {
  private struct State {
    var results: [Int: Reactor] = [:]
    var failure: SystemError?
    var reportedCount = 0
    var isOpen: Bool?
  }

  private let count: Int
  private let state = ConditionLock(State())

  init(count: Int) {
    self.count = count
  }

  /// Says how a reactor's start went. Returns, when all have, whether to go on.
  @discardableResult
  func report(_ result: Result<Reactor, SystemError>) -> Bool {
    state.change { state in
      state.reportedCount += 1
      switch result {
      case .success(let reactor): state.results[reactor.position] = reactor
      case .failure(let error): state.failure = error
      }
    }
    if case .failure = result { return false }
    return state.wait { $0.isOpen }
  }

  func waitForAll() throws(SystemError) -> [Reactor] {
    let count = count
    let (reactors, failure) = state.wait { state in
      state.failure == nil && state.reportedCount < count
        ? nil : (state.results.values.sorted { $0.position < $1.position }, state.failure)
    }
    if let failure { throw failure }
    return reactors
  }

  func open(_ goesOn: Bool) {
    state.change { $0.isOpen = goesOn }
  }
}
