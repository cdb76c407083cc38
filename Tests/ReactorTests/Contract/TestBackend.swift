import CURing
import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

/// The kernel interfaces that are tested: io_uring too, unless the kernel itself refuses it, as in many containers.
enum TestBackend {
  static let kinds = BackendKind.allCases.filter {
    usesKernel && ($0 == .epoll || isIOURingPermitted)
  }

  /// `MARTLET_TEST_BACKENDS=simulated` leaves out the tests that are run on each of the kernel's interfaces: they
  /// take longest.
  static let usesKernel = getenv("MARTLET_TEST_BACKENDS").map { String(cString: $0) } != "simulated"

  /// Asks the kernel, not the backend's own test: a backend that is broken must fail the tests.
  static let isIOURingPermitted: Bool = {
    var parameters = io_uring_params()
    let ring = io_uring_setup(1, &parameters)
    guard ring >= 0 else { return ring != -EPERM && ring != -ENOSYS }
    close(ring)
    return true
  }()

  /// Linux 6.13.
  static let hasDirectDescriptors =
    (try? SelfTest.capabilities())?.hasDirectDescriptors ?? false

  /// What a simulated backend is tested with: nothing at first, then whatever the contract allows
  /// that does not make a test wait for something else, and the same where little fits.
  static var simulatedFaults: [SimulatedFaults] {
    let some = (0..<5).map { number in
      var random = SimulatedRandom(seed: 7, part: number)
      var faults = SimulatedFaults.random(&random)
      faults.windowByteCounts = 262_144...262_144
      faults.latencyNanoseconds = min(faults.latencyNanoseconds, 2_000_000)
      faults.latenessNanoseconds = min(faults.latenessNanoseconds, 2_000_000)
      // Tests count on sockets of their own.
      faults.failedSocket = 0
      faults.failedConnect = 0
      return faults
    }
    var tight = some[4]
    tight.windowByteCounts = 1_000...20_000
    tight.latencyNanoseconds = 100_000
    tight.latenessNanoseconds = 100_000
    return [SimulatedFaults()] + some[..<4] + [tight]
  }
}

/// What the contract is checked on: each backend, and io_uring also with direct descriptors, on which
/// it sends, receives and closes in other ways.
enum ContractBackend: String, CaseIterable, Sendable {
  case ioURing = "io_uring"
  case ioURingDirect = "io_uring, direct descriptors"
  case epoll
  case simulated

  static let tested = allCases.filter { kind in
    switch kind {
    case .simulated: true
    case .epoll: TestBackend.usesKernel
    case .ioURing: TestBackend.kinds.contains(.ioURing)
    case .ioURingDirect: TestBackend.kinds.contains(.ioURing) && TestBackend.hasDirectDescriptors
    }
  }

  func make(eventDescriptor: Int32, slab: ConnectionSlab) throws -> any Backend {
    switch self {
    case .epoll:
      try EpollBackend(
        configuration: EpollConfiguration(), eventDescriptor: eventDescriptor, slab: slab)
    case .ioURing, .ioURingDirect:
      try IOURingBackend(
        configuration: IOURingConfiguration(usesDirectDescriptors: self == .ioURingDirect),
        eventDescriptor: eventDescriptor, slab: slab)
    case .simulated:
      SimulatedBackend(
        try #require(Simulation.current), eventDescriptor: eventDescriptor, slab: slab)
    }
  }

  /// Calls `body`, for the simulated kind once in each of its simulations.
  func run(_ body: () throws -> Void) throws {
    guard self == .simulated, Simulation.current == nil else { return try body() }
    for (seed, faults) in TestBackend.simulatedFaults.enumerated() {
      let simulation = Simulation(seed: UInt64(seed), faults: faults)
      try simulation.run(body)
      #expect(simulation.violations == [], "seed \(seed)")
      simulation.end()
    }
  }
}

/// How two ends are connected.
enum Transport: CaseIterable {
  case tcp, unix

  /// A connected pair: what the backend is to adopt, and the client's end.
  func makePair() throws -> (server: Socket, client: Socket) {
    switch self {
    case .tcp:
      var options = ListenerOptions()
      options.isKeptAlive = false
      let listener = try Listener.open(.loopback(port: 0), options: options)
      defer { listener.close() }
      let client = try TestSocket.connect(listener.address)
      return (try TestSocket.accept(listener), client)
    case .unix:
      if let simulation = Simulation.current { return try simulation.pair() }
      var ends: [Int32] = [-1, -1]
      let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
      guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
        throw SystemError.current("socketpair")
      }
      return (Socket(ends[0]), Socket(ends[1]))
    }
  }
}
