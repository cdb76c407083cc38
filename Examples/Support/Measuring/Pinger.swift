internal import Synchronization
public import WebSocket

/// Pings connections at an interval, with a `PingStamp`, from one task for all that is on no
/// reactor.
///
/// A connection is a value that keeps nothing alive: once it has gone, `ping` says so, and it is
/// forgotten.
public final class Pinger: Sendable {
  /// They take turns, so that not all pongs come at once.
  private static let groupCount = 10

  private let groups = Mutex<[[Connection]]>(Array(repeating: [], count: groupCount))
  private let count = Atomic(0)

  public init(everyMilliseconds interval: Int) {
    Task.detached { [weak self] in
      let clock = ContinuousClock()
      let step = Duration.milliseconds(interval) / Self.groupCount
      var moment = clock.now
      for turn in 1... {
        // What there was no time for is left out.
        moment = max(moment + step, clock.now)
        try await clock.sleep(until: moment)
        guard let self else { return }
        pingGroup(turn % Self.groupCount)
      }
    }
  }

  /// Pings it now, and from now on. Any thread.
  public func add(_ connection: Connection) {
    guard PingStamp.ping(connection) != .closed else { return }
    let number = count.add(1, ordering: .relaxed).newValue
    groups.withLock { $0[number % Self.groupCount].append(connection) }
  }

  /// Not under the lock: others are to be added meanwhile.
  private func pingGroup(_ index: Int) {
    let group = groups.withLock { groups in
      defer { groups[index] = [] }
      return groups[index]
    }
    let open = group.filter { PingStamp.ping($0) != .closed }
    groups.withLock { $0[index] += open }
  }
}
