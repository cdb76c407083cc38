internal import Reactor
internal import WebSocketProtocol

/// What a server and a client can choose both; see `ServerConfiguration`.
struct EngineConfiguration: Sendable {
  let queue: QueueLimits
  let messageByteCountMax: Int
  let frameByteCountMax: Int?
  /// `Int.max`: messages are never fragmented.
  let fragmentByteCountMax: Int
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
    fragmentByteCountMax = Self.fragmentByteCountMax(server.fragmentByteCountMax)
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
    fragmentByteCountMax = Self.fragmentByteCountMax(client.fragmentByteCountMax)
    handshake = client.handshake
    handshakeTimeoutMilliseconds = client.connectTimeoutMilliseconds
    pingIntervalMilliseconds = client.pingIntervalMilliseconds
    idleTimeoutMilliseconds = client.idleTimeoutMilliseconds
    closeTimeoutMilliseconds = client.closeTimeoutMilliseconds
    origins = nil
    dialCountMax = client.dialCountMax
  }

  private static func fragmentByteCountMax(_ byteCount: Int?) -> Int {
    if let byteCount, byteCount < 1 {
      misuse(
        "fragmentByteCountMax is \(byteCount): a fragment has a byte at least. nil: no fragments.")
    }
    return byteCount ?? .max
  }
}
