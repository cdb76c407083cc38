/// What became of bytes that were given to be sent.
public enum SendOutcome: Sendable, Equatable {
  /// They are in the kernel.
  case sent
  /// A policy has dropped them: the peer reads too slowly.
  case dropped
  /// The connection ended before they were in the kernel.
  case closed
}

/// Called once: on the owning reactor's thread, or on the sender's, before its call returns, if
/// what was to be sent is refused there.
public typealias SendCompletion = @Sendable (SendOutcome) -> Void
