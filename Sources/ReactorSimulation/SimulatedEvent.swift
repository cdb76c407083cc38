internal import Reactor

/// What is going to happen in a simulation.
enum SimulatedEvent {
  /// Bytes, FIN or RST reach the other end.
  case arrival(SimulatedStream)
  /// A connection reaches its listener.
  case connection(SimulatedSocket)
  /// A connection learns what has become of it.
  case outcome(SimulatedSocket, Int32)
  /// An end of a connection has tried for too long.
  case failure(SimulatedSocket, Int32)
  /// A connection's completion is to be delivered.
  case completion(SimulatedBackend, EpollToken)
  /// A write to an eventfd takes effect.
  case signal(Int32)
  /// Somebody outside of the simulation does something.
  case call(() -> Void)
}
