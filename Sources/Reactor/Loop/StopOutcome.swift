/// What has become of the reactors that were stopped.
public enum StopOutcome: Sendable, Equatable {
  /// All have ended.
  case ended
  /// These ones (`Reactor.position`) have not, although their time is over: a handler has not
  /// returned. Their listeners are closed. Each ends by itself when its handler returns; what it
  /// uses stays until then.
  case stuck(reactors: [Int])
}
