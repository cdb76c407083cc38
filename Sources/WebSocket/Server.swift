internal import Reactor
internal import WebSocketProtocol
