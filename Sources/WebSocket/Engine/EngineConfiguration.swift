internal import Reactor
internal import WebSocketProtocol

/// What a server and a client can choose both; see `ServerConfiguration`.
struct EngineConfiguration: Sendable {
  let queue: QueueLimits
  let messageByteCountMax: Int
  let frameByteCountMax: Int?
  let handshake: HandshakeLimits
  let handshakeTimeoutMilliseconds: Int
  let pingIntervalMilliseconds: Int
  let idleTimeoutMilliseconds: Int
  let closeTimeoutMilliseconds: Int
  let origins: OriginPolicy?
  /// A client's.
  let dialCountMax: Int

  init(_ server: ServerConfiguration) {
    queue = server.reactor.queue
    messageByteCountMax = server.messageByteCountMax
    frameByteCountMax = server.frameByteCountMax
    handshake = server.handshake
    handshakeTimeoutMilliseconds = server.handshakeTimeoutMilliseconds
    pingIntervalMilliseconds = server.pingIntervalMilliseconds
    idleTimeoutMilliseconds = server.idleTimeoutMilliseconds
    closeTimeoutMilliseconds = server.closeTimeoutMilliseconds
    origins = server.origins
    dialCountMax = 0
  }

  init(_ client: ClientConfiguration) {
    queue = client.reactor.queue
    messageByteCountMax = client.messageByteCountMax
    frameByteCountMax = client.frameByteCountMax
    handshake = client.handshake
    handshakeTimeoutMilliseconds = client.connectTimeoutMilliseconds
    pingIntervalMilliseconds = client.pingIntervalMilliseconds
    idleTimeoutMilliseconds = client.idleTimeoutMilliseconds
    closeTimeoutMilliseconds = client.closeTimeoutMilliseconds
    origins = nil
    dialCountMax = client.dialCountMax
  }
}
