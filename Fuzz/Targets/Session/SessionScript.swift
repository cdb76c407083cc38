import WebSocketProtocol

/// What an end is, and what it does by itself while the peer sends.
struct SessionScript {
  enum Interruption {
    /// Begins the closing handshake: the peer is still listened to.
    case close
    /// Gives the connection up: it is not.
    case fail
  }

  let role: Role
  let limits: Session.Limits
  private let interruption: Interruption?
  /// How many events precede the interruption.
  private let heardCount: Int

  init(_ input: inout FuzzInput) {
    role = input.choose(from: [.server, .client])
    limits = Session.Limits(
      messageByteCountMax: input.choose(from: [1 << 20, 200, 16, 1, 0, .max]),
      frameByteCountMax: input.choose(from: [nil, 125, 8, 0, .max]))
    interruption = input.choose(from: [nil, .close, .fail])
    heardCount = Int(input.byte() % 8)
  }

  /// What this end does after so many events.
  func interruption(after heardCount: Int) -> Interruption? {
    heardCount == self.heardCount ? interruption : nil
  }
}

/// What an application hears: messages put together, payloads copied.
enum Heard: Equatable {
  case text([UInt8])
  case binary([UInt8])
  case ping([UInt8])
  case pong([UInt8])
  case close(UInt16?, reason: [UInt8])

  init(_ kind: Message.Kind, _ bytes: [UInt8]) {
    self =
      switch kind {
      case .text: .text(bytes)
      case .binary: .binary(bytes)
      }
  }
}

/// What has become of a stream.
struct SessionOutcome: Equatable {
  var heard: [Heard] = []
  /// The bytes of the message that has begun, as long as nothing has ended the session.
  var unfinished: [UInt8] = []
  /// The bytes that have to be presented again, as they came.
  var unconsumed: [UInt8] = []
  var error: ProtocolError?
  var closeHandshake = CloseHandshake.open
}
