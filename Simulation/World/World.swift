import Reactor
import ReactorSimulation
import WebSocket

/// One course of a simulation: a server with topics, clients, all that the plan has happen, and the
/// model that watches.
final class World: @unchecked Sendable {
  let plan: Plan
  let simulation: Simulation
  let model: Model
  private(set) var server: Server?
  private(set) var client: Client<Int>?
  private(set) var topics: [Topic] = []
  private(set) var dials: [Dial] = []
  /// Reactors whose threads have been seen: see `thread`.
  private var reactors: [Reactor] = []
  private var nextAction = 0
  private var startNanoseconds: Int64 = 0
  private(set) var isServerStopped = false
  private(set) var isClientStopped = false

  init(_ plan: Plan) {
    self.plan = plan
    simulation = Simulation(seed: plan.seed, faults: plan.faults)
    simulation.descriptorCountMax = plan.settings.descriptorCountMax
    model = Model(simulation, plan.settings)
  }

  /// Plays the plan. Returns what was not as promised; nil: nothing.
  func run() -> String? {
    simulation.run {
      do {
        try start()
        play()
        settle()
        stop()
      } catch {
        simulation.report(violation: "could not start: \(error)")
      }
    }
    let violation = simulation.violations.first
    simulation.end()
    return violation
  }

  private func start() throws {
    let faults = simulation.faults
    simulation.faults = SimulatedFaults()
    var configuration = ServerConfiguration(addresses: [.ipv4(0, port: 80)])
    let settings = plan.settings
    configuration.reactor.reactorCount = settings.serverReactorCount
    configuration.reactor.queue = settings.queue
    configuration.reactor.connectionCountMax = settings.connectionCountMax
    configuration.reactor.reservedDescriptorCount = 4
    configuration.reactor.lingerMilliseconds = settings.lingerMilliseconds
    configuration.reactor.stopMilliseconds = settings.stopMilliseconds
    if settings.isHandedOver { configuration.reactor.distribution = .fewestConnections }
    configuration.pingIntervalMilliseconds = settings.pingIntervalMilliseconds
    configuration.idleTimeoutMilliseconds = settings.idleTimeoutMilliseconds
    configuration.closeTimeoutMilliseconds = settings.closeTimeoutMilliseconds
    configuration.handshakeTimeoutMilliseconds = 3000
    configuration.fragmentByteCountMax = fragmentByteCountMax
    let server = try Server(configuration, handler: ServerSide(self))
    self.server = server
    topics = settings.topics.enumerated().map { server.topic("topic \($0)", options: $1) }

    var clientConfiguration = ClientConfiguration()
    clientConfiguration.reactor.reactorCount = settings.clientReactorCount
    clientConfiguration.reactor.queue = settings.queue
    clientConfiguration.reactor.lingerMilliseconds = settings.lingerMilliseconds
    clientConfiguration.reactor.stopMilliseconds = settings.stopMilliseconds
    clientConfiguration.reactor.reservedDescriptorCount = 4
    clientConfiguration.pingIntervalMilliseconds = settings.pingIntervalMilliseconds
    clientConfiguration.idleTimeoutMilliseconds = settings.idleTimeoutMilliseconds
    clientConfiguration.closeTimeoutMilliseconds = settings.closeTimeoutMilliseconds
    clientConfiguration.fragmentByteCountMax = fragmentByteCountMax
    clientConfiguration.connectTimeoutMilliseconds = settings.connectTimeoutMilliseconds
    clientConfiguration.resolve = Self.resolve
    client = try Client(clientConfiguration, handler: ClientSide(self))
    simulation.faults = faults
  }

  /// Messages above this leave in fragments: many of them, in two of three plans.
  var fragmentByteCountMax: Int { plan.seed % 3 == 0 ? 256 << 10 : 2000 }

  /// The calling thread: 0 for another than a reactor's.
  var thread: Int {
    guard let reactor = Reactor.current else { return 0 }
    if let position = reactors.firstIndex(where: { $0 === reactor }) { return position + 1 }
    reactors.append(reactor)
    return reactors.count
  }

  private func play() {
    startNanoseconds = simulation.nowNanoseconds
    // In the middle of whatever a reactor does, another thread may do the next thing early.
    simulation.interruption = { [unowned self] in performNext() }
    while nextAction < plan.actions.count, simulation.violations.isEmpty {
      let time = startNanoseconds + plan.actions[nextAction].time
      while simulation.nowNanoseconds < time, step(untilNanoseconds: time) {}
      if nextAction < plan.actions.count { performNext() }
    }
    simulation.interruption = nil
  }

  private func performNext() {
    guard nextAction < plan.actions.count else { return }
    nextAction += 1
    model.note("action \(nextAction - 1): \(plan.actions[nextAction - 1].kind)")
    resendFragments()
    perform(plan.actions[nextAction - 1])
    checkBounds()
  }

  /// The network and the kernel do no more harm, and all comes to rest.
  private func settle() {
    simulation.faults = SimulatedFaults()
    // Of what is left of a message, one fragment may fit at a time.
    for _ in 0..<10 {
      run(forSeconds: 1)
      resendFragments()
    }
    run(forSeconds: 20)
    guard simulation.violations.isEmpty else { return }
    model.note("at rest: \(plan.settings) \(topics.map(\.statistics))")
    for session in model.sessions where session.isOpen {
      let count = session.connection?.queuedByteCount
      model.note("\(session) has \(count ?? -1) bytes queued, owes drained: \(session.owesDrained)")
    }
    model.checkAtRest()
    for (index, topic) in topics.enumerated() {
      model.checkLogAtRest(index, heldByteCount: simulation.heldByteCount(of: topic))
    }
    checkDials()
    checkBacklog()
  }

  /// Whoever has come is let in, if there are descriptors, however often that has failed.
  private func checkBacklog() {
    guard plan.settings.descriptorCountMax >= 1000, simulation.backlogNanoseconds > 5_000_000_000
    else { return }
    model.report("at rest, clients wait to be accepted")
  }

  private func checkDials() {
    for (dial, record) in zip(dials, model.dials)
    where dial.connection != record.newestSession?.connection {
      model.report("dial \(record.number) has another connection than was opened")
    }
  }

  private func stop() {
    if plan.seed % 2 == 0 { stopClient() }
    stopServer()
    stopClient()
    let limit = simulation.nowNanoseconds + 60_000_000_000
    while simulation.isRunning, simulation.violations.isEmpty {
      guard step(untilNanoseconds: limit) else { break }
    }
    if simulation.isRunning { model.report("a reactor has not ended") }
    guard simulation.violations.isEmpty else { return }
    model.checkAtEnd()
    if simulation.openDescriptorCount > 0 {
      model.report("\(simulation.openDescriptorCount) descriptors are left")
    }
    (server, client, topics, dials, reactors) = (nil, nil, [], [], [])
  }

  func stopServer() {
    isServerStopped = true
    model.serverStop = model.serverStop ?? simulation.nowNanoseconds
    server?.stop()
  }

  func stopClient() {
    isClientStopped = true
    model.clientStop = model.clientStop ?? simulation.nowNanoseconds
    for dial in model.dials { dial.stopped() }
    client?.stop()
  }

  private func run(forSeconds seconds: Int64) {
    let limit = simulation.nowNanoseconds + seconds * 1_000_000_000
    while simulation.nowNanoseconds < limit, simulation.violations.isEmpty {
      _ = step(untilNanoseconds: limit)
    }
  }

  private func step(untilNanoseconds limit: Int64) -> Bool {
    defer { checkBounds() }
    return simulation.step(untilNanoseconds: limit)
  }

  /// What is held in memory is as much as the limits say.
  private func checkBounds() {
    for session in model.openSessions { model.checkQueue(of: session) }
    for (index, topic) in topics.enumerated() {
      model.checkLog(
        index, keptByteCount: topic.keptByteCount,
        heldByteCount: simulation.heldByteCount(of: topic))
    }
  }

  func add(_ dial: Dial) { dials.append(dial) }
}
