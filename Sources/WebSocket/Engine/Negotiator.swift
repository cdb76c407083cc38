public import WebSocketProtocol

/// What a server's handler says to requests, its type unknown to the engine.
@usableFromInline
protocol Negotiator: AnyObject, Sendable {
  /// Puts the state there if the answer is to accept.
  func upgrade(
    _ request: borrowing HTTPRequest, on connection: Connection, state: UnsafeMutableRawPointer
  ) -> Upgrade<Void>
  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse
}

/// See `TypedApplication`.
@usableFromInline
final class TypedNegotiator<Handler: UpgradeHandler>: Negotiator {
  @usableFromInline let handler: Handler

  @inlinable
  init(_ handler: Handler) {
    self.handler = handler
  }

  @inlinable
  func upgrade(
    _ request: borrowing HTTPRequest, on connection: Connection, state: UnsafeMutableRawPointer
  ) -> Upgrade<Void> {
    switch handler.upgrade(request, on: connection) {
    case .accept(let initial, let subprotocol, let headers):
      unsafe state.initializeMemory(as: Handler.State.self, to: initial)
      return .accept((), subprotocol: subprotocol, headers: headers)
    case .refuse(let response):
      return .refuse(response)
    }
  }

  @inlinable
  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    handler.respond(to: request, on: connection)
  }
}
