internal import Glibc
internal import Reactor

/// The bytes that one end of a simulated connection sends to the other: in order, with a window, a
/// time on the way, and FIN or RST behind them.
@safe final class SimulatedStream {
  private let simulation: Simulation
  /// Bytes that may have been written and not yet read.
  let capacity: Int
  private let memory: UnsafeMutableRawPointer
  /// Counts of bytes from the beginning.
  private(set) var writtenCount = 0
  /// As `writtenCount`, and what was lost on its way counts too.
  private(set) var takenCount = 0
  private(set) var arrivedCount = 0
  private(set) var readCount = 0
  /// FIN has been sent, or has arrived.
  private(set) var isFinished = false
  private(set) var hasEndArrived = false
  /// RST has been sent, or has arrived.
  private(set) var isReset = false
  private(set) var hasResetArrived = false
  /// What is on its way, in order: up to which count, and when it is there.
  private var arrivals: [(nanoseconds: Int64, count: Int, isEnd: Bool, isReset: Bool)] = []
  private var firstArrival = 0
  private var lastNanoseconds: Int64 = 0
  /// What is sent from now on gets nowhere.
  private var isCut = false

  /// Its ends, until they are closed. Weak references would make each use of a socket several times as slow.
  var reader: SimulatedSocket?
  var writer: SimulatedSocket?

  init(_ simulation: Simulation, capacity: Int) {
    self.simulation = simulation
    self.capacity = capacity
    unsafe memory = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit {
    unsafe memory.deallocate()
  }

  /// Bytes that a write would take now.
  var room: Int { isReset || isFinished ? 0 : capacity - (writtenCount - readCount) }

  /// Bytes that can be read now.
  var readableCount: Int { arrivedCount - readCount }

  /// Takes bytes, as many as `room` at most.
  func write(_ bytes: UnsafeRawBufferPointer) {
    assert(bytes.count <= room)
    let start = writtenCount % capacity
    let first = min(bytes.count, capacity - start)
    guard bytes.count > 0, let source = bytes.baseAddress else { return }
    unsafe (memory + start).copyMemory(from: source, byteCount: first)
    if first < bytes.count {
      unsafe memory.copyMemory(from: source + first, byteCount: bytes.count - first)
    }
    writtenCount += bytes.count
    takenCount += bytes.count
    send(isEnd: false, isReset: false)
  }

  /// Gives bytes that have arrived, as many as there is room for at most. Returns how many.
  func read(into room: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(room.count, readableCount)
    guard count > 0, let target = room.baseAddress else { return 0 }
    let start = readCount % capacity
    let first = min(count, capacity - start)
    unsafe target.copyMemory(from: memory + start, byteCount: first)
    if first < count {
      unsafe (target + first).copyMemory(from: memory, byteCount: count - first)
    }
    readCount += count
    writer?.notify()
    return count
  }

  /// Nobody will read what is here and what still comes.
  func dropAll() {
    readCount = writtenCount
    arrivedCount = writtenCount
    writer?.notify()
  }

  /// FIN, behind all that was written.
  func finish() {
    guard !isFinished, !isReset else { return }
    isFinished = true
    send(isEnd: true, isReset: false)
  }

  /// RST. What has not arrived is lost, or some of it.
  func reset() {
    guard !isReset else { return }
    isReset = true
    if simulation.chance(.lostAtReset), !hasEndArrived {
      arrivals.removeAll()
      firstArrival = 0
      writtenCount = arrivedCount
    }
    send(isEnd: false, isReset: true)
  }

  private func send(isEnd: Bool, isReset: Bool) {
    let time = max(lastNanoseconds, simulation.nowNanoseconds + simulation.latency())
    lastNanoseconds = time
    guard !isCut else { return }
    arrivals.append((time, writtenCount, isEnd, isReset))
    if time <= simulation.nowNanoseconds {
      arrive()
    } else {
      simulation.events.add(.arrival(self), atNanoseconds: time)
    }
  }

  /// Loses what is on its way and all that is sent from now on.
  func cut() {
    isCut = true
    arrivals.removeAll()
    firstArrival = 0
  }

  /// What is sent before a time arrives then.
  func arrivesNotBefore(nanoseconds time: Int64) {
    lastNanoseconds = max(lastNanoseconds, time)
  }

  /// Holds back all that is on its way, and what is sent until then.
  func stall(untilNanoseconds time: Int64) {
    guard time > lastNanoseconds, !isCut else { return }
    lastNanoseconds = time
    for index in arrivals.indices[firstArrival...] { arrivals[index].nanoseconds = time }
    simulation.events.add(.arrival(self), atNanoseconds: time)
  }

  /// Takes in what has come by now.
  func arrive() {
    var hasChanged = false
    while firstArrival < arrivals.count {
      let next = arrivals[firstArrival]
      guard next.nanoseconds <= simulation.nowNanoseconds else { break }
      firstArrival += 1
      arrivedCount = max(arrivedCount, next.count)
      if next.isEnd { hasEndArrived = true }
      if next.isReset { hasResetArrived = true }
      hasChanged = true
    }
    if firstArrival == arrivals.count {
      arrivals.removeAll(keepingCapacity: true)
      firstArrival = 0
    }
    guard hasChanged else { return }
    simulation.count(6, arrivedCount)
    if let reader, !reader.isClosed {
      if hasResetArrived { reader.noteReset() }
      reader.notify()
    } else if readableCount > 0 || !(isFinished || hasResetArrived) {
      // Nobody is there any more: the writer is told by RST.
      dropAll()
      writer?.input?.reset()
    }
  }
}
