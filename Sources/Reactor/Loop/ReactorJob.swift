/// How a job is called.
public enum JobCall: Sendable, Equatable {
  /// On the reactor's thread: it is to be done.
  case run
  /// The reactor has stopped, so that it cannot be done there any more.
  case gone
}

/// What a reactor is asked to do on its thread. Called once.
public typealias ReactorJob = @Sendable (JobCall) -> Void
