import Reactor
import ReactorSimulation

/// Something that is done from outside of all reactors, at a time of the simulation's clock.
struct Action {
  let number: Int
  /// Nanoseconds from the beginning.
  let time: Int64
  let kind: Kind
  /// Which session, topic, …, modulo how many there are.
  let target: Int
  let topic: Int
  let size: Int
  let argument: Int
  let isText: Bool
  let hasCompletion: Bool
  let key: UInt64

  enum Kind: CaseIterable {
    case dial, clientSend, serverSend, publish, command, serverPrepared, broadcast
    case clientPing, serverPing, clientClose, serverClose, reset, stall, cancel
    case fragments, withState, subscribe, unsubscribe, burst, stopServer, stopClient, malformedText
  }

  private static let weights: [(Kind, Int)] = [
    (.dial, 12), (.clientSend, 14), (.serverSend, 14), (.publish, 16), (.command, 26),
    (.serverPrepared, 4), (.broadcast, 2), (.clientPing, 3), (.serverPing, 3), (.clientClose, 3),
    (.serverClose, 3), (.reset, 3), (.stall, 6), (.cancel, 2), (.fragments, 6), (.withState, 3),
    (.subscribe, 8), (.unsubscribe, 3), (.burst, 5),
  ]

  /// What a server does when a client's message says so, on its reactor's thread.
  enum Command: Int, CaseIterable {
    case nothing, echo, publish, publishExcluding, subscribe, unsubscribe, resume, close, ping
    case burst, publishAndSend, fragments, completionSends, forward, forwardBurst
  }

  /// What is done from within a completion.
  enum Sequel: Int {
    case nothing, send, sendWithCompletion, ping, close

    /// Most do nothing, and few close.
    init(_ argument: Int) {
      self =
        switch argument % 64 {
        case 0...7: .send
        case 8...11: .sendWithCompletion
        case 12...14: .ping
        case 15: .close
        default: .nothing
        }
    }
  }

  init(number: Int, time: Int64, isStart: Bool, _ random: inout SimulatedRandom) {
    self.number = number
    self.time = time
    let usual = isStart && random.chance(600) ? .dial : Self.kind(&random)
    target = random.number(0...1 << 30)
    topic = random.number(0...2)
    size = Self.size(&random)
    argument = random.number(0...1 << 20)
    isText = random.chance(500)
    hasCompletion = random.chance(300)
    key = random.chance(300) ? UInt64(random.number(1...4)) : 0
    // It ends a connection. Chosen last, so that all other actions are what they would be without.
    kind = random.chance(12) ? .malformedText : usual
  }

  private static func kind(_ random: inout SimulatedRandom) -> Kind {
    // To stop in the middle of everything is rare, since little follows.
    if random.chance(2) { return random.chance(500) ? .stopServer : .stopClient }
    var number = random.number(0...weights.reduce(0) { $0 + $1.1 } - 1)
    for (kind, weight) in weights {
      if number < weight { return kind }
      number -= weight
    }
    return .publish
  }

  /// Of messages: most are small, some stand at the edges of a length's form or of a buffer.
  static func size(_ random: inout SimulatedRandom) -> Int {
    switch random.number(0...19) {
    case 0: 0
    case 1: random.number(0...60)
    case 2: 125 + random.number(0...1)
    case 3: 65_535 + random.number(0...1)
    case 4: 8 * 1024 - random.number(0...20)
    case 5: random.number(10_000...150_000)
    case 6, 7: random.number(1000...10_000)
    default: random.number(60...600)
    }
  }
}
