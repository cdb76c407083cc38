internal import Reactor

extension Engine {
  /// Calls `body` with the state of a connection that is open.
  func withState<State>(of connection: ConnectionPointer, _ body: (inout State) -> Void) {
    guard application.stateType == State.self else {
      misuse(
        "Connection.withState is called with a state of type \(State.self), but the handler's State is "
          + "\(application.stateType).")
    }
    guard connection.webSocket.flags.contains(.hasState) else { return }
    unsafe body(&connection.state.assumingMemoryBound(to: State.self).pointee)
  }
}
