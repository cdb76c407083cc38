/// What a simulation leaves to chance. Each has numbers of its own, so that a draw more for one does
/// not shift all others, and a seed goes on meaning nearly the same when something is added or removed.
/// New ones go to the end with the next number, which is what a choice's numbers come from.
enum SimulatedChoice: Int, CaseIterable {
  // How often, `SimulatedFaults` says.
  case latency, window, shortRead, shortWrite, lateSend, lateCompletion, partialDelivery
  case reordering, starvedBuffer, failedAccept, failedAdoption, failedSocket, failedConnect
  case lateWake, spuriousWake, interruption, vanishing
  // Nothing that a kernel does rarely: these are as likely as not, or one of several.
  case listener, reactor, lostAtReset, sendForm, sentAtClose, sendsAtOnce, wayOfReceiving
  case handedOver, severalReceives, preemption = 27, spentBudget = 28
}

/// The numbers of all choices, from one seed.
struct SimulatedChoices {
  private var sources: [SimulatedRandom]

  init(seed: UInt64) {
    let most = SimulatedChoice.allCases.map(\.rawValue).max() ?? 0
    sources = (0...most).map { SimulatedRandom(seed: seed, part: $0) }
  }

  mutating func number(_ choice: SimulatedChoice, _ range: ClosedRange<Int>) -> Int {
    sources[choice.rawValue].number(range)
  }

  mutating func chance(_ choice: SimulatedChoice, _ perMille: Int) -> Bool {
    perMille > 0 && sources[choice.rawValue].chance(perMille)
  }
}

extension Simulation {
  func number(_ choice: SimulatedChoice, _ range: ClosedRange<Int>) -> Int {
    choices.number(choice, range)
  }

  /// Whether it is so this time.
  func chance(_ choice: SimulatedChoice) -> Bool {
    choices.chance(choice, faults.perMille(of: choice))
  }
}

extension SimulatedFaults {
  /// How often something is so, out of a thousand times.
  func perMille(of choice: SimulatedChoice) -> Int {
    switch choice {
    case .shortRead: shortRead
    case .shortWrite: shortWrite
    case .lateSend: lateSend
    case .lateCompletion: lateCompletion
    case .partialDelivery: partialDelivery
    case .reordering: reordering
    case .starvedBuffer: starvedBuffer
    case .failedAccept: failedAccept
    case .failedAdoption: failedAdoption
    case .failedSocket: failedSocket
    case .failedConnect: failedConnect
    case .lateWake: lateWake
    case .spuriousWake: spuriousWake
    case .interruption: interruption
    case .vanishing: vanishing
    case .preemption: preemption
    case .spentBudget: spentBudget
    case .wayOfReceiving: 20
    case .severalReceives: 200
    case .latency, .window, .listener, .reactor, .lostAtReset, .sendForm, .sentAtClose,
      .sendsAtOnce, .handedOver:
      500
    }
  }
}
