import Reactor
import WebSocket

/// Dialing, with the model told of it.
extension World {
  func dial(_ action: Action) {
    guard let client, !isClientStopped else { return }
    var options = DialOptions()
    if action.argument % 3 == 0 {
      var policy = ReconnectPolicy()
      policy.delayMilliseconds = 1 + action.argument % 500
      policy.delayMillisecondsMax = 2000
      policy.failureCountMax = action.argument % 5
      options.reconnect = policy
    }
    if action.argument % 16 == 1 { options.address = .ipv4(0x0A00_0001, port: 81) }
    let number = dials.count
    nonisolated(unsafe) let model = model
    options.attemptFailed = { reason, retry in
      model.note("dial \(number) failed: \(reason), again in \(retry ?? -1) ms")
    }
    let dial = try? client.connect(
      to: "ws://10.0.0.1/\(number)", options: options,
      state: self.model.session(isServer: false, dial: number).number)
    guard let dial else { return model.report("cannot dial") }
    add(dial)
  }

  func cancelDial(_ number: Int) {
    guard !dials.isEmpty else { return }
    model.note("dial \(number % dials.count) is cancelled")
    let sessions = model.sessions.filter { !$0.isServer && $0.dial == number % dials.count }
    for session in sessions { session.closing.cancelled(atNanoseconds: model.now) }
    dials[number % dials.count].cancel()
  }
}
