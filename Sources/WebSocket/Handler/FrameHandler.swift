/// For applications that do the protocol themselves: they take frames instead of messages.
///
/// The engine answers no pings, joins no fragments, answers no close frames, and checks nothing but
/// lengths and masks. The connection ends when the peer's close frame has arrived and
/// `Connection.close` was called, in either order. Of the events, `ConnectionEvent.ping` and `.pong`
/// do not come: those are frames.
///
/// A server takes such a handler as `Server.init(_:frameHandler:)`, a client as
/// `Client.init(_:frameHandler:)`.
public protocol FrameHandler: ConnectionLifecycle {
  /// A frame has arrived, whole.
  func received(_ frame: borrowing IncomingFrame, on connection: Connection, state: inout State)
}
