internal import Reactor

/// The attempts to connect of one reactor: so many are under way at once, and the others have their
/// turn one after the other. Else a program that wants 20,000 connections would have the kernel send as
/// many SYNs at once, most of which a listener's backlog has no room for: they are sent again after
/// seconds. And each would need a descriptor of the process before it has one of the ring.
///
/// Targets take turns, and none takes more than three times as many as it leaves free: attempts to
/// reach one that does not answer end with their timeout only, and must not hold up the others.
struct DialQueue: ~Copyable {
  /// An address that attempts are made to reach.
  // Not private: the compiler (6.3.1) cannot emit a `Deque` of a private class.
  final class Target {
    let name: String
    var activeCount = 0
    var waiting = Deque<Dialer>(capacity: 4)

    init(_ name: String) {
      self.name = name
    }
  }

  private let activeCountMax: Int
  private var activeCount = 0
  /// Those with somebody who is under way or waits.
  private var targets: [String: Target] = [:]
  /// Those with somebody who waits, whoever is next first.
  private var waiting = Deque<Target>()
  /// Somebody up the stack is taking out one after the other.
  private var isBeingServed = false
  private var isStopped = false

  init(activeCountMax: Int) {
    self.activeCountMax = max(1, activeCountMax)
  }

  /// False: nobody has a turn any more.
  mutating func append(_ dialer: Dialer) -> Bool {
    guard !isStopped else { return false }
    let name = dialer.target
    let target = targets[name] ?? Target(name)
    targets[name] = target
    if target.waiting.count == 0 { waiting.append(target) }
    target.waiting.append(dialer)
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
    // Each target is looked at once.
    for _ in 0..<waiting.count {
      guard activeCount < activeCountMax, let target = waiting.popFirst() else { break }
      if let dialer = takeNext(of: target) { return dialer }
    }
    isBeingServed = false
    return nil
  }

  /// Nil: nobody waits for it, or it has its share.
  private mutating func takeNext(of target: Target) -> Dialer? {
    var next: Dialer?
    if target.activeCount / 3 < activeCountMax - activeCount {
      while next == nil, let dialer = target.waiting.popFirst() {
        if dialer.waitsForTurn { next = dialer }
      }
    }
    if next != nil {
      target.activeCount += 1
      activeCount += 1
    }
    if target.waiting.count > 0 { waiting.append(target) }
    forgetIfIdle(target)
    return next
  }

  mutating func turnEnded(of dialer: Dialer) {
    activeCount -= 1
    guard let target = targets[dialer.target] else { return }
    target.activeCount -= 1
    forgetIfIdle(target)
  }

  private mutating func forgetIfIdle(_ target: Target) {
    if target.activeCount == 0, target.waiting.count == 0 { targets[target.name] = nil }
  }

  /// Gives out those that have had no turn; there are no more.
  mutating func stop() -> [Dialer] {
    isStopped = true
    var rest: [Dialer] = []
    while let target = waiting.popFirst() {
      while let dialer = target.waiting.popFirst() { rest.append(dialer) }
      forgetIfIdle(target)
    }
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
  func turnEnded(of dialer: Dialer) {
    scratch.value.dialQueue.turnEnded(of: dialer)
    serveDials()
  }

  private func serveDials() {
    guard scratch.value.dialQueue.beginServing() else { return }
    while let dialer = scratch.value.dialQueue.takeNext() { dialer.beginTurn() }
  }
}
