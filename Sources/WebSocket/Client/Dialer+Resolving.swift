internal import Glibc
internal import Reactor

/// From a name to its addresses.
extension Dialer {
  private static let lookMilliseconds = 1_000

  func resolve() {
    phase = .resolving
    let current = attempt
    inquiry = order.resolve(order.url.host, order.url.port) { [dial] result in
      dial.reactor.execute { call in
        guard call == .run, self.attempt == current, self.phase == .resolving else { return }
        self.inquiry = nil
        switch result {
        case .success(let addresses): self.resolved(addresses)
        case .failure(let error): self.attemptFailed(.unresolved(error))
        }
      }
    }
    limitResolving(ofAttempt: current)
  }

  /// An answer that may never come keeps nobody alive, and no thread busy that has not begun.
  func stopResolving() {
    inquiry?.withdraw()
    inquiry = nil
  }

  private func resolved(_ addresses: [SocketAddress]) {
    let local = order.options.socket.localAddress
    let chosen = AddressChoice.order(addresses, from: local)
    guard chosen.isEmpty else { return connect(to: chosen) }
    let advice = local.map { "The name has no address that can be reached from \($0.host)." }
    attemptFailed(
      .system(
        SystemError("connect to \(order.url.host)", code: EADDRNOTAVAIL, advice: advice)))
  }

  /// Looks every now and then whether the time is over: a job cannot be undone, and one for the end
  /// of a long time would outlive by far what it is for.
  private func limitResolving(ofAttempt current: Int) {
    let wait = min(remainingMilliseconds, Self.lookMilliseconds)
    // When the reactor ends, it is this that says so, and on the reactor's thread: an answer may
    // take its time.
    engine.reactor.execute(afterMilliseconds: wait) { [weak self] call in
      guard let self, attempt == current, phase == .resolving else { return }
      guard call == .run else { return stopped() }
      guard isTimeOver else { return limitResolving(ofAttempt: current) }
      attemptFailed(.timeout)
    }
  }
}
