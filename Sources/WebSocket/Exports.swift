// Whoever imports WebSocket has what its API is made of.
@_exported public import Reactor
@_exported public import WebSocketProtocol
