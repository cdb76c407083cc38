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
    let record = DialRecord(
      number, options.reconnect,
      connectMilliseconds: plan.settings.connectTimeoutMilliseconds, atNanoseconds: model.now)
    model.dials.append(record)
    nonisolated(unsafe) let (model, known) = (model, record)
    options.attemptFailed = { reason, retry in
      model.note("dial \(number) failed: \(reason), again in \(retry ?? -1) ms")
      model.report(known.failed(reason, retry, atNanoseconds: model.now))
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
    model.dials[number % dials.count].cancelled(atNanoseconds: model.now)
    dials[number % dials.count].cancel()
  }
}
