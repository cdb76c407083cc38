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
    var host = "10.0.0.1"
    if [5, 7, 11].contains(action.argument % 16) {
      host = "\(action.argument / 16 % Self.names.count).name"
      options.connectionAttemptDelayMilliseconds = action.argument / 64 % 300
    }
    let dial = try? client.connect(
      to: "ws://\(host)/\(number)", options: options,
      state: self.model.session(isServer: false, dial: number).number)
    guard let dial else { return model.report("cannot dial") }
    add(dial)
  }

  /// The addresses of names. The server is at the first two, and nobody at the others.
  private static let names: [[SocketAddress]] = {
    let alive: [SocketAddress] = [.ipv4(0x0A00_0001, port: 80), .ipv4(0x0A00_0003, port: 80)]
    let dead: [SocketAddress] = [.ipv4(0x0A00_0001, port: 81), .ipv6(9, port: 80)]
    return [alive, [dead[0], alive[0]], [dead[1]] + alive + [dead[0]], dead + dead + [alive[1]]]
  }()

  static let resolve: ClientConfiguration.Resolve = { host, _, answer in
    let number = Int(host.prefix { $0 != "." }) ?? 0
    answer(.success(names[number % names.count]))
    return nil
  }

  func cancelDial(_ number: Int) {
    guard !dials.isEmpty else { return }
    model.note("dial \(number % dials.count) is cancelled")
    model.dials[number % dials.count].cancelled(atNanoseconds: model.now)
    dials[number % dials.count].cancel()
  }
}
