/// A handler whose type the engine need not know: it passes the address of each connection's state.
@usableFromInline
protocol Application: AnyObject, Sendable {
  var stateType: any Any.Type { get }
  var handlesFrames: Bool { get }

  func opened(_ connection: Connection, state: UnsafeMutableRawPointer)
  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: UnsafeMutableRawPointer)
  func received(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: UnsafeMutableRawPointer)
  func handle(
    _ event: ConnectionEvent, on connection: Connection, state: UnsafeMutableRawPointer)
  /// Takes the state away.
  func closed(_ connection: Connection, _ closure: Closure, state: UnsafeMutableRawPointer)
  /// Takes the state away from a connection that was never opened.
  func discard(state: UnsafeMutableRawPointer)
}

/// Binds the address of a connection's state to the handler's type. Inlinable, so that it is
/// compiled for the handler in the handler's own module.
@usableFromInline
protocol TypedLifecycle: Application {
  associatedtype Handler: ConnectionLifecycle
  var handler: Handler { get }
}

extension TypedLifecycle {
  @inlinable var stateType: any Any.Type { Handler.State.self }

  @inlinable
  func typed(_ state: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Handler.State> {
    unsafe state.assumingMemoryBound(to: Handler.State.self)
  }

  @inlinable
  func opened(_ connection: Connection, state: UnsafeMutableRawPointer) {
    unsafe handler.opened(connection, state: &typed(state).pointee)
  }

  @inlinable
  func handle(
    _ event: ConnectionEvent, on connection: Connection, state: UnsafeMutableRawPointer
  ) {
    unsafe handler.handle(event, on: connection, state: &typed(state).pointee)
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

/// A handler of messages.
@usableFromInline
final class TypedApplication<Handler: WebSocketHandler>: TypedLifecycle {
  @usableFromInline let handler: Handler

  @inlinable
  init(_ handler: Handler) {
    self.handler = handler
  }

  @inlinable var handlesFrames: Bool { false }

  @inlinable
  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: UnsafeMutableRawPointer
  ) {
    unsafe handler.received(
      message, on: connection, state: &state.assumingMemoryBound(to: Handler.State.self).pointee)
  }

  @inlinable
  func received(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: UnsafeMutableRawPointer
  ) {}
}

/// A handler of frames.
@usableFromInline
final class TypedFrameApplication<Handler: FrameHandler>: TypedLifecycle {
  @usableFromInline let handler: Handler

  @inlinable
  init(_ handler: Handler) {
    self.handler = handler
  }

  @inlinable var handlesFrames: Bool { true }

  @inlinable
  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: UnsafeMutableRawPointer
  ) {}

  @inlinable
  func received(
    _ frame: borrowing IncomingFrame, on connection: Connection, state: UnsafeMutableRawPointer
  ) {
    unsafe handler.received(
      frame, on: connection, state: &state.assumingMemoryBound(to: Handler.State.self).pointee)
  }
}
