/// The attempts to connect of one reactor: so many are under way at once, and the others have their
/// turn one after the other. Else a program that wants 20,000 connections would have the kernel send as
/// many SYNs at once, most of which a listener's backlog has no room for: they are sent again after
/// seconds. And each would need a descriptor of the process before it has one of the ring.
struct DialQueue: ~Copyable {
  private let activeCountMax: Int
  private var activeCount = 0
  private var waiting: [Dialer] = []
  /// Those before it have had their turn.
  private var position = 0
  /// Somebody up the stack is taking out one after the other.
  private var isBeingServed = false
  private var isStopped = false

  init(activeCountMax: Int) {
    self.activeCountMax = max(1, activeCountMax)
  }

  /// False: nobody has a turn any more.
  mutating func append(_ dialer: Dialer) -> Bool {
    guard !isStopped else { return false }
    waiting.append(dialer)
    return true
  }

  /// Whoever gets true takes out, with `takeNext`, all that may begin: nobody else does, so that
  /// attempts that fail at once do not begin one within the other.
  mutating func beginServing() -> Bool {
    defer { isBeingServed = true }
    return !isBeingServed
  }

  /// Nil ends serving.
  mutating func takeNext() -> Dialer? {
    while activeCount < activeCountMax, position < waiting.count {
      let dialer = waiting[position]
      position += 1
      guard dialer.waitsForTurn else { continue }
      activeCount += 1
      return dialer
    }
    if position > waiting.count / 2 {
      waiting.removeFirst(position)
      position = 0
    }
    isBeingServed = false
    return nil
  }

  mutating func turnEnded() {
    activeCount -= 1
  }

  /// Gives out those that have had no turn; there are no more.
  mutating func stop() -> [Dialer] {
    isStopped = true
    let rest = Array(waiting[position...])
    waiting = []
    position = 0
    return rest
  }
}

extension Engine {
  /// An attempt of this dialer follows, as soon as it is its turn.
  func enqueue(_ dialer: Dialer) {
    guard scratch.value.dialQueue.append(dialer) else { return dialer.stopped() }
    serveDials()
  }

  /// The attempt has come to an end, one way or another.
  func turnEnded() {
    scratch.value.dialQueue.turnEnded()
    serveDials()
  }

  private func serveDials() {
    guard scratch.value.dialQueue.beginServing() else { return }
    while let dialer = scratch.value.dialQueue.takeNext() { dialer.beginTurn() }
  }
}
