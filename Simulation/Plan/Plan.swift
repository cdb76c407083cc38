import Reactor
import ReactorSimulation
import WebSocket

/// What is done in one course of a simulation, made up from its seed: what the server and the
/// network are like, and what happens when.
struct Plan {
  let seed: UInt64
  var settings: Settings
  var faults: SimulatedFaults
  var actions: [Action]

  /// How the server and the clients are set up.
  struct Settings {
    var serverReactorCount = 1
    var clientReactorCount = 1
    var queue = QueueLimits()
    var pingIntervalMilliseconds = 0
    var idleTimeoutMilliseconds = 0
    var closeTimeoutMilliseconds = 5000
    var lingerMilliseconds = 5000
    var stopMilliseconds = 5000
    var connectTimeoutMilliseconds = 4000
    var connectionCountMax = 1000
    var descriptorCountMax = 20_000
    var isHandedOver = false
    var topics: [TopicOptions] = []
  }

  init(seed: UInt64) {
    self.seed = seed
    // From numbers of their own, so that a new one shifts as few of the others as can be.
    var forSettings = SimulatedRandom(seed: seed, part: -1)
    var forFaults = SimulatedRandom(seed: seed, part: -2)
    var random = SimulatedRandom(seed: seed, part: -3)
    settings = Settings(&forSettings)
    faults = seed % 8 == 0 ? SimulatedFaults() : .random(&forFaults)
    let count = random.number(20...160)
    // Nearly always in a hurry.
    let spread = random.chance(300) ? 400_000_000 : 20_000_000
    var time: Int64 = 0
    actions = (0..<count).map { index in
      time += Int64(random.number(0...spread))
      var forAction = SimulatedRandom(seed: seed, part: -1000 - index)
      return Action(number: index, time: time, isStart: index < count / 6, &forAction)
    }
  }
}

extension Plan.Settings {
  init(_ random: inout SimulatedRandom) {
    serverReactorCount = random.number(1...3)
    clientReactorCount = random.number(1...2)
    let limit = 1 << random.number(12...19)
    let overflow: QueueLimits.Overflow =
      switch random.number(0...6) {
      case 0: .dropNewest
      case 1: .dropOldest
      default: .close
      }
    queue = QueueLimits(
      byteCountMax: limit, backpressureByteCount: limit / (1 << random.number(0...5)),
      overflow: overflow)
    if random.chance(500) { pingIntervalMilliseconds = random.number(200...5000) }
    if random.chance(300) { idleTimeoutMilliseconds = random.number(1000...10_000) }
    closeTimeoutMilliseconds = random.number(100...5000)
    lingerMilliseconds = random.number(100...5000)
    stopMilliseconds = random.number(100...5000)
    if random.chance(150) { connectionCountMax = random.number(2...10) }
    if random.chance(150) { descriptorCountMax = random.number(20...80) }
    isHandedOver = random.chance(300)
    topics = (0..<3).map { _ in
      let limit = 1 << random.number(8...18)
      let lag: LagPolicy =
        switch random.number(0...4) {
        case 0: .newestOnly
        case 1: .newestPerKey(beyondByteCount: limit)
        case 2: .skipOldest(beyondByteCount: limit)
        default: .close(beyondByteCount: limit)
        }
      return TopicOptions(
        historyByteCount: random.chance(600) ? 1 << random.number(9...16) : 0,
        historyMilliseconds: random.chance(200) ? random.number(10...2000) : nil,
        lag: lag, isKept: random.chance(500))
    }
  }
}
