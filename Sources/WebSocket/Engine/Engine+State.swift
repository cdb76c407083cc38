internal import Reactor

extension Engine {
  /// Calls `body` with the state of a connection that is open.
  func withState<State>(of connection: ConnectionPointer, _ body: (inout State) -> Void) {
    precondition(
      application.stateType == ObjectIdentifier(State.self),
      "the connection's state is of another type")
    guard connection.webSocket.flags.contains(.hasState) else { return }
    unsafe body(&connection.state.assumingMemoryBound(to: State.self).pointee)
  }
}
