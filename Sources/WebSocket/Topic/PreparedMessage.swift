public import Reactor
public import WebSocketProtocol

/// A message that is encoded once, to be sent to chosen connections: see
/// `Connection.send(_:completion:)`. Where many get the same messages, a `Topic` is better.
public final class PreparedMessage: Sendable {
  let bytes: SharedBytes

  /// Encodes a text message. Any thread.
  public convenience init(_ text: String) {
    unsafe self.init(text.utf8.span.bytes, as: .text)
  }

  /// Encodes a binary message. Any thread.
  public convenience init(_ bytes: [UInt8]) {
    unsafe self.init(bytes.span.bytes, as: .binary)
  }

  /// Bytes prepared as text must be UTF-8.
  /// - Precondition: they are less than 4 GiB.
  public init(_ payload: RawSpan, as kind: Message.Kind) {
    let byteCount = FrameEncoder.byteCount(payloadByteCount: payload.byteCount, isMasked: false)
    bytes = unsafe SharedBytes(byteCount: byteCount) { memory in
      unsafe Engine.encode(kind.opcode, payload, .message, into: memory)
    }
  }
}

extension Connection {
  /// Sends a prepared message. Any thread; see `send(_:as:completion:)`.
  @discardableResult
  public func send(
    _ message: PreparedMessage, completion: SendCompletion? = nil
  ) -> SendResult {
    let result = directly {
      $0.send(message, completion: completion, on: $1)
    }
    if let result { return result }
    return post(message.bytes.byteCount, kind: .message, completion: completion) {
      PostedChunk(
        message.bytes, kind: SendKind.message.rawValue, completion: completion)
    }
  }
}

extension Server {
  /// Sends a message to all connections that are open. Any thread; never blocks. Each connection's
  /// queue limits apply to it.
  public func broadcast(_ message: PreparedMessage) {
    group.execute { reactor in
      guard let reactor else { return }
      reactor.forEachConnection { Connection(reactor.id(of: $0)).send(message) }
    }
  }

  /// Sends a text message to all connections that are open.
  public func broadcast(_ text: String) {
    broadcast(PreparedMessage(text))
  }

  /// Sends a binary message to all connections that are open.
  public func broadcast(_ bytes: [UInt8]) {
    broadcast(PreparedMessage(bytes))
  }
}
