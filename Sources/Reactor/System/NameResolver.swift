internal import CURing
internal import Glibc

/// Resolves names on threads of its own, since the system's resolver blocks. Whoever asks for a
/// name that is being resolved shares the answer.
final class NameResolver: Sendable {
  typealias Answer = @Sendable (Result<[SocketAddress], SystemError>) -> Void

  static let shared = NameResolver()

  /// Names that are resolved at once. One whose server does not answer holds its thread for long.
  private static let threadCountMax = 8

  private struct State {
    /// Who waits for which name.
    var waiting: [String: [Answer]] = [:]
    /// Names that no thread has taken up.
    var queue: [String] = []
    var threadCount = 0
  }

  private let state = ConditionLock(State())

  /// Answers on another thread. Any thread; never blocks.
  func resolve(_ host: String, then answer: @escaping Answer) {
    let needsThread = state.withLock { state in
      if state.waiting[host] != nil {
        state.waiting[host]?.append(answer)
        return false
      }
      state.waiting[host] = [answer]
      state.queue.append(host)
      guard state.threadCount < Self.threadCountMax else { return false }
      state.threadCount += 1
      return true
    }
    guard needsThread else { return }
    do {
      try Thread.start(name: "resolver") { self.work() }.detach()
    } catch {
      startFailed(error)
    }
  }

  /// Ends when no name is left.
  private func work() {
    while true {
      let host: String? = state.withLock { state in
        guard state.queue.isEmpty else { return state.queue.removeFirst() }
        state.threadCount -= 1
        return nil
      }
      guard let host else { return }
      let result: Result<[SocketAddress], SystemError>
      do {
        result = .success(try SocketAddress.resolve(host, port: 0))
      } catch {
        result = .failure(error)
      }
      finish(host, result)
    }
  }

  /// Without a thread nobody would ever get an answer.
  private func startFailed(_ error: SystemError) {
    let hosts = state.withLock { state in
      state.threadCount -= 1
      guard state.threadCount == 0 else { return [String]() }
      defer { state.queue.removeAll() }
      return state.queue
    }
    for host in hosts { finish(host, .failure(error)) }
  }

  private func finish(_ host: String, _ result: Result<[SocketAddress], SystemError>) {
    let answers = state.withLock { $0.waiting.removeValue(forKey: host) ?? [] }
    for answer in answers { answer(result) }
  }
}

extension SocketAddress {
  /// As `resolve`, without blocking: answers on another thread. Any thread.
  public static func resolve(
    _ host: String, port: UInt16,
    then answer: @escaping @Sendable (Result<[SocketAddress], SystemError>) -> Void
  ) {
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
