/// A handler whose type the engine need not know: it passes the address of each connection's state.
@usableFromInline
protocol Application: AnyObject, Sendable {
  /// Names the type of the state.
  var stateType: ObjectIdentifier { get }
  var handlesFrames: Bool { get }

  func opened(_ connection: Connection, state: UnsafeMutableRawPointer)
  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: UnsafeMutableRawPointer)
  func receivedPing(_ payload: RawSpan, on connection: Connection, state: UnsafeMutableRawPointer)
  func receivedPong(_ payload: RawSpan, on connection: Connection, state: UnsafeMutableRawPointer)
  func receivedFrame(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: UnsafeMutableRawPointer)
  func drained(_ connection: Connection, state: UnsafeMutableRawPointer)
  func lagged(_ gap: TopicGap, on connection: Connection, state: UnsafeMutableRawPointer)
  func failed(
    _ error: ConnectionError, on connection: Connection, state: UnsafeMutableRawPointer)
  /// Takes the state away.
  func closed(_ connection: Connection, _ closure: Closure, state: UnsafeMutableRawPointer)
  /// Takes the state away from a connection that was never opened.
  func discard(state: UnsafeMutableRawPointer)
}

/// Binds the address of a connection's state to the handler's type. Inlinable, so that it is
/// compiled for the handler in the handler's own module.
@usableFromInline
final class TypedApplication<Handler: WebSocketHandler>: Application {
  @usableFromInline let handler: Handler

  @inlinable
  init(_ handler: Handler) {
    self.handler = handler
  }

  @inlinable var stateType: ObjectIdentifier { ObjectIdentifier(Handler.State.self) }
  @inlinable var handlesFrames: Bool { Handler.handlesFrames }

  @inlinable
  func typed(_ state: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Handler.State> {
    unsafe state.assumingMemoryBound(to: Handler.State.self)
  }

  @inlinable
  func opened(_ connection: Connection, state: UnsafeMutableRawPointer) {
    unsafe handler.opened(connection, state: &typed(state).pointee)
  }

  @inlinable
  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: UnsafeMutableRawPointer
  ) {
    unsafe handler.received(message, on: connection, state: &typed(state).pointee)
  }

  @inlinable
  func receivedPing(_ payload: RawSpan, on connection: Connection, state: UnsafeMutableRawPointer) {
    unsafe handler.receivedPing(payload, on: connection, state: &typed(state).pointee)
  }

  @inlinable
  func receivedPong(_ payload: RawSpan, on connection: Connection, state: UnsafeMutableRawPointer) {
    unsafe handler.receivedPong(payload, on: connection, state: &typed(state).pointee)
  }

  @inlinable
  func receivedFrame(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: UnsafeMutableRawPointer
  ) {
    unsafe handler.receivedFrame(frame, on: connection, state: &typed(state).pointee)
  }

  @inlinable
  func drained(_ connection: Connection, state: UnsafeMutableRawPointer) {
    unsafe handler.drained(connection, state: &typed(state).pointee)
  }

  @inlinable
  func lagged(_ gap: TopicGap, on connection: Connection, state: UnsafeMutableRawPointer) {
    unsafe handler.lagged(gap, on: connection, state: &typed(state).pointee)
  }

  @inlinable
  func failed(
    _ error: ConnectionError, on connection: Connection, state: UnsafeMutableRawPointer
  ) {
    unsafe handler.failed(error, on: connection, state: &typed(state).pointee)
  }

  @inlinable
  func closed(_ connection: Connection, _ closure: Closure, state: UnsafeMutableRawPointer) {
    unsafe handler.closed(connection, closure, state: &typed(state).pointee)
    unsafe typed(state).deinitialize(count: 1)
  }

  @inlinable
  func discard(state: UnsafeMutableRawPointer) {
    unsafe typed(state).deinitialize(count: 1)
  }
}
