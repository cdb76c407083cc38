/// What a simulated kernel and network do that real ones do rarely: how often out of a thousand
/// times, and how far they go.
package struct SimulatedFaults: Sendable {
  /// Nanoseconds that bytes, connections and resets are on their way, at most.
  package var latencyNanoseconds = 0
  /// Bytes that may be written and not yet read, in each direction.
  package var windowByteCounts = 262_144...262_144
  /// A read delivers fewer bytes than there are.
  package var shortRead = 0
  /// A write takes fewer bytes than there is room for.
  package var shortWrite = 0
  /// A send that the socket has room for is completed later; the kernel reads its bytes then.
  package var lateSend = 0
  /// A completion is late.
  package var lateCompletion = 0
  /// Nanoseconds that a late completion, or the end of a closed connection, takes at most.
  package var latenessNanoseconds = 0
  /// Of what is complete, a wait delivers only a part, as when the queue of completions was full.
  package var partialDelivery = 0
  /// Completions of different connections come in another order.
  package var reordering = 0
  /// A receive finds no buffer.
  package var starvedBuffer = 0
  /// Accepting fails with EMFILE, ENFILE, ENOBUFS or ENOMEM.
  package var failedAccept = 0
  /// A backend cannot take a socket over.
  package var failedAdoption = 0
  /// A socket cannot be made.
  package var failedSocket = 0
  /// Connecting fails: the network or the host cannot be reached, or does not answer.
  package var failedConnect = 0
  /// A wake comes late.
  package var lateWake = 0
  /// A reactor is woken for nothing.
  package var spuriousWake = 0
  /// Something else happens in the middle of a pass.
  package var interruption = 0
  /// A connection that is held back is so for ever: both ends are told ETIMEDOUT in the end.
  package var vanishing = 0

  /// A thread that is no reactor's stands still in the middle of a call, and reactors go on.
  package var preemption = 0
  /// A part of a pass has taken all the time that it may.
  package var spentBudget = 0

  /// A kernel and a network that do everything at once, and whole.
  package init() {}

  /// All of them, some more and some less, as the generator has it. New ones go to the end, so that
  /// those before stay as they are for a seed.
  package static func random(_ random: inout SimulatedRandom) -> SimulatedFaults {
    var faults = SimulatedFaults()
    func some(_ most: Int) -> Int {
      switch random.number(0...3) {
      case 0: 0
      case 1: random.number(0...max(1, most / 10))
      default: random.number(0...most)
      }
    }
    faults.latencyNanoseconds = some(20_000_000)
    let window = 1 << random.number(9...18)
    faults.windowByteCounts = max(256, window / 4)...window
    faults.shortRead = some(500)
    faults.shortWrite = some(500)
    faults.lateSend = some(500)
    faults.lateCompletion = some(300)
    faults.latenessNanoseconds = some(50_000_000)
    faults.partialDelivery = some(300)
    faults.reordering = some(500)
    faults.starvedBuffer = some(100)
    faults.failedAccept = some(50)
    faults.failedAdoption = some(20)
    faults.lateWake = some(200)
    faults.spuriousWake = some(20)
    faults.interruption = some(200)
    faults.failedSocket = some(20)
    faults.failedConnect = some(50)
    faults.vanishing = some(300)
    faults.preemption = some(300)
    faults.spentBudget = some(300)
    return faults
  }
}
