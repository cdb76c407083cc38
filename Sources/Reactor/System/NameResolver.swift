internal import CURing
internal import Glibc

/// Resolves names on threads of its own, since the system's resolver blocks. Whoever asks for a
/// name that is being resolved shares the answer.
final class NameResolver: Sendable {
  typealias Answer = @Sendable (Result<[SocketAddress], SystemError>) -> Void
  typealias LookUp = @Sendable (String) throws(SystemError) -> [SocketAddress]

  static let shared = NameResolver { host throws(SystemError) in
    try SocketAddress.resolve(host, port: 0)
  }

  private let lookUp: LookUp
  private let slowNanoseconds: Int64
  private let state: ConditionLock<State>

  /// - Parameters:
  ///   - threadCountMax: names that are resolved at once. One whose server does not answer holds
  ///     its thread for long, and nothing can be done about that.
  ///   - slowMilliseconds: a name that has taken longer is one of those that only half of the
  ///     threads are for.
  ///   - lookUp: asks the system, and blocks meanwhile.
  init(threadCountMax: Int = 8, slowMilliseconds: Int64 = 1_000, lookUp: @escaping LookUp) {
    self.lookUp = lookUp
    slowNanoseconds = slowMilliseconds * 1_000_000
    state = ConditionLock(State(threadCountMax: threadCountMax))
  }

  /// Answers on another thread, unless the question is withdrawn before. Any thread; never blocks.
  func resolve(_ host: String, then answer: @escaping Answer) -> NameInquiry {
    let (number, needsThread) = state.withLock { $0.add(answer, for: host) }
    if needsThread {
      do {
        try Thread.start(name: "resolver") { self.work() }.detach()
      } catch {
        startFailed(error)
      }
    }
    return NameInquiry(resolver: self, host: host, number: number)
  }

  fileprivate func withdraw(_ number: UInt64, for host: String) {
    // What it holds is let go of when the lock has been, too.
    _ = state.withLock { $0.removeAnswer(number, for: host) }
  }

  /// Ends when no name is left.
  private func work() {
    while let host = state.withLock({ $0.takeNext() }) {
      let start = MonotonicClock.nowNanoseconds()
      let result: Result<[SocketAddress], SystemError>
      do {
        result = .success(try lookUp(host))
      } catch {
        result = .failure(error)
      }
      let isSlow = MonotonicClock.nowNanoseconds() - start >= slowNanoseconds
      let answers = state.withLock { $0.finish(host, isSlow: isSlow) }
      for answer in answers { answer(result) }
    }
  }

  /// Without a thread nobody would ever get an answer.
  private func startFailed(_ error: SystemError) {
    for answer in state.withLock({ $0.threadFailed() }) { answer(.failure(error)) }
  }
}

extension NameResolver {
  /// Who has asked for which name.
  fileprivate struct State {
    private struct Name {
      /// By the numbers of those who have asked.
      var answers: [UInt64: Answer] = [:]
      /// A thread has taken it up.
      var isTaken = false
      /// It counts as one of the slow ones that have been taken up.
      var isTakenAsSlow = false

      /// As they were asked for.
      var answersInOrder: [Answer] { answers.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// Names that are remembered as slow.
    private static let slowCountMax = 1_024

    private let threadCountMax: Int
    private var names: [String: Name] = [:]
    /// Names that no thread has taken up.
    private var queue: [String] = []
    /// Of those in the queue, the ones that nobody waits for any more.
    private var abandonedCount = 0
    private var askedCount: UInt64 = 0
    private var threadCount = 0
    /// Names whose last answer took its time. They would come to hold all threads: who does not get
    /// an answer asks again.
    private var slow: Set<String> = []
    private var slowTakenCount = 0

    init(threadCountMax: Int) {
      self.threadCountMax = threadCountMax
    }

    /// Returns the asker's number, and whether a thread is to be started.
    mutating func add(_ answer: @escaping Answer, for host: String) -> (UInt64, Bool) {
      askedCount += 1
      let isNew = names[host] == nil
      if isNew { queue.append(host) } else if isAbandoned(host) { abandonedCount -= 1 }
      names[host, default: Name()].answers[askedCount] = answer
      guard isNew, threadCount < threadCountMax else { return (askedCount, false) }
      threadCount += 1
      return (askedCount, true)
    }

    /// Gives out what was to be told the answer. A name that nobody else waits for is not taken up.
    mutating func removeAnswer(_ number: UInt64, for host: String) -> Answer? {
      guard let answer = names[host]?.answers.removeValue(forKey: number) else { return nil }
      guard isAbandoned(host) else { return answer }
      abandonedCount += 1
      // Rarely, so that it costs each of them little.
      if abandonedCount > queue.count / 2 { dropAbandoned() }
      return answer
    }

    /// The name that a thread is to take up. Nil: the thread ends. What is left then are slow names,
    /// and those who have taken others of them will come back.
    mutating func takeNext() -> String? {
      if abandonedCount > 0 { dropAbandoned() }
      let isFullOfSlow = slowTakenCount >= max(1, threadCountMax / 2)
      guard let position = queue.firstIndex(where: { !isFullOfSlow || !slow.contains($0) }) else {
        threadCount -= 1
        return nil
      }
      let host = queue.remove(at: position)
      let isSlow = slow.contains(host)
      names[host]?.isTaken = true
      names[host]?.isTakenAsSlow = isSlow
      if isSlow { slowTakenCount += 1 }
      return host
    }

    /// Gives out whom to tell.
    mutating func finish(_ host: String, isSlow: Bool) -> [Answer] {
      guard let name = names.removeValue(forKey: host) else { return [] }
      if name.isTakenAsSlow { slowTakenCount -= 1 }
      slow.remove(host)
      if isSlow {
        if slow.count >= Self.slowCountMax { slow.removeAll() }
        slow.insert(host)
      }
      return name.answersInOrder
    }

    /// Gives out whom to tell: all who wait for a thread, if there is none.
    mutating func threadFailed() -> [Answer] {
      threadCount -= 1
      guard threadCount == 0 else { return [] }
      let hosts = queue
      queue.removeAll()
      abandonedCount = 0
      return hosts.flatMap { names.removeValue(forKey: $0)?.answersInOrder ?? [] }
    }

    /// It stands in the queue, and nobody waits for it.
    private func isAbandoned(_ host: String) -> Bool {
      guard let name = names[host] else { return false }
      return !name.isTaken && name.answers.isEmpty
    }

    private mutating func dropAbandoned() {
      let left = queue.filter { !isAbandoned($0) }
      for host in queue where isAbandoned(host) { names[host] = nil }
      queue = left
      abandonedCount = 0
    }
  }
}

/// What somebody has asked the resolver, and may want to know no more.
public struct NameInquiry: Sendable {
  fileprivate let resolver: NameResolver
  fileprivate let host: String
  fileprivate let number: UInt64

  /// The answer is not wanted any more, and what was to be told it is let go of. It may be on its
  /// way already. Any thread; does nothing after the answer.
  public func withdraw() {
    resolver.withdraw(number, for: host)
  }
}

extension SocketAddress {
  /// As `resolve`, without blocking: answers on another thread. Any thread.
  ///
  /// - Parameters:
  ///   - host: a name or a written address.
  ///   - port: the port of each address.
  ///   - answer: is told the addresses, in the order to be tried, or why there are none.
  /// - Returns: what can be withdrawn.
  @discardableResult
  public static func resolve(
    _ host: String, port: UInt16,
    then answer: @escaping @Sendable (Result<[SocketAddress], SystemError>) -> Void
  ) -> NameInquiry {
    NameResolver.shared.resolve(host) { result in
      answer(result.map { $0.map { $0.withPort(port) } })
    }
  }

  private func withPort(_ port: UInt16) -> SocketAddress {
    switch self {
    case .ipv4(let number, _): .ipv4(number, port: port)
    case .ipv6(let number, _, let scope): .ipv6(number, port: port, scope: scope)
    case .unixPath, .unixAbstract, .unixUnnamed: self
    }
  }
}
