internal import Glibc

/// Decides when to accept, so that connections leave the rest of the process some descriptors. It makes no system call:
/// the numbers of descriptors tell, since the kernel always gives the lowest one that is free.
struct AcceptGate {
  /// How close the process has been to its limit of open files. It never goes back: what is saved by accepting in crowds
  /// is too little.
  enum Supply {
    case ample
    /// A crowd could use the rest up: connections are accepted one by one.
    case limited
    /// Accepting has had to stop: each connection may be the last one for which there is a descriptor.
    case scarce
  }

  /// What follows from a connection that was accepted.
  struct Decision: Equatable {
    /// From now on all listeners accept one by one.
    var narrows = false
    /// The listener stops accepting, unless there is a descriptor to spare: the end is near.
    var looks = false
  }

  /// Descriptors below the limit from which on connections are accepted one by one. At least as many as all listeners
  /// together may hand over at once.
  static let crowdCount = 4096

  private(set) var supply = Supply.ample
  /// Listeners at which accepting has stopped, to be tried again when a descriptor has come free or time has passed.
  private(set) var paused: [Int] = []
  /// Connections may have descriptors below this.
  let descriptorCountMax: Int
  /// Connections that were accepted before accepting could be stopped are kept below this.
  private let keptDescriptorCountMax: Int

  /// - Parameters:
  ///   - openFileLimit: descriptors that the process may have.
  ///   - reservedCount: of them, for the rest of the process; no more than an eighth are.
  ///   - holdsDescriptors: a connection keeps the descriptor that it was accepted with.
  init(openFileLimit: Int, reservedCount: Int, holdsDescriptors: Bool) {
    let reserve = min(reservedCount, openFileLimit / 8)
    descriptorCountMax = openFileLimit - reserve
    keptDescriptorCountMax = holdsDescriptors ? descriptorCountMax + reserve / 2 : .max
    if descriptorCountMax <= Self.crowdCount { supply = .limited }
  }

  var acceptsOneByOne: Bool { supply != .ample }

  /// A listener has accepted a connection.
  mutating func accepted(_ descriptor: Int32, at listener: Int) -> Decision {
    var decision = Decision()
    switch supply {
    case .ample:
      guard Int(descriptor) >= descriptorCountMax - Self.crowdCount else { return decision }
      supply = .limited
      decision.narrows = true
    case .limited:
      guard Int(descriptor) + 1 >= descriptorCountMax else { return decision }
    case .scarce:
      break
    }
    decision.looks = !paused.contains(listener)
    return decision
  }

  /// Whether a connection came in the crowd that was accepted before accepting could be stopped, and keeping it would
  /// leave too little.
  func refuses(_ descriptor: Int32) -> Bool { Int(descriptor) >= keptDescriptorCountMax }

  /// A listener has stopped accepting: errno.
  mutating func pause(_ listener: Int, code: Int32) {
    paused.append(listener)
    if code == EMFILE || code == ENFILE { supply = .scarce }
  }

  /// Whether another connection may have the descriptor that comes next. Nil: there is none.
  func spares(_ next: Int?) -> Bool { next.map { $0 < descriptorCountMax } ?? false }

  /// Listeners that had stopped begin anew, or nobody accepts any more. Returns which ones.
  @discardableResult
  mutating func forgetPaused() -> [Int] {
    defer { paused.removeAll(keepingCapacity: true) }
    return paused
  }
}
