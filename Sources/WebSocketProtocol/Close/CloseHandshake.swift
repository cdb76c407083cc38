/// The closing handshake of one connection (RFC 6455 §7.1): who has said what.
///
/// Transitions perform nothing: they return what the caller must do.
public enum CloseHandshake: Equatable, Sendable {
  /// Neither end has sent a close frame.
  case open
  /// Our close frame is on its way; the peer's is awaited, which a timeout must bound.
  case sent(CloseCode?)
  /// The peer's close frame is here, and ours has to follow.
  case received(CloseCode?)
  /// Both frames are sent: the connection is closed cleanly once TCP ends (§7.1.4).
  case completed(sent: CloseCode?, received: CloseCode?)
  /// We gave the connection up (§7.1.7): what the peer still says does not count.
  case failed(sent: CloseCode?)

  /// What the caller must do after a transition.
  public enum Action: Equatable, Sendable {
    case none
    /// Send a close frame, then wait for the peer: for its close frame, or for the end of TCP.
    case sendClose(CloseCode?)
    /// Send a close frame and end TCP when it has left.
    case sendCloseThenEnd(CloseCode?)
    /// End TCP when everything queued has left.
    case end
  }
}

extension CloseHandshake {
  /// The peer's close frame has come.
  public mutating func receive(_ code: CloseCode?) {
    switch self {
    case .open: self = .received(code)
    case .sent(let ours): self = .completed(sent: ours, received: code)
    case .received, .completed, .failed: break
    }
  }

  /// This end wants to close. Does nothing when its close frame is sent already.
  public mutating func close(with code: CloseCode?, role: Role) -> Action {
    switch self {
    case .open:
      self = .sent(code)
      return .sendClose(code)
    case .received(let theirs):
      self = .completed(sent: code, received: theirs)
      // The server ends TCP first and keeps the TIME_WAIT, so that the client need not (§7.1.1).
      return role == .server ? .sendCloseThenEnd(code) : .sendClose(code)
    case .sent, .completed, .failed:
      return .none
    }
  }

  /// The peer's close frame has been dealt with and has to be answered: with its own code (§5.5.1),
  /// unless this end has sent a close frame before or in the meantime.
  public mutating func answer(role: Role) -> Action {
    switch self {
    case .received(let theirs): close(with: theirs, role: role)
    case .completed: role == .server ? .end : .none
    case .open, .sent, .failed: .none
    }
  }

  /// The connection cannot go on. Says why, if a close frame can still be sent, and ends it,
  /// whichever end this is (§7.1.7).
  public mutating func fail(with code: CloseCode) -> Action {
    switch self {
    case .open:
      self = .failed(sent: code)
      return .sendCloseThenEnd(code)
    case .received(let theirs):
      self = .completed(sent: code, received: theirs)
      return .sendCloseThenEnd(code)
    case .sent(let ours):
      self = .failed(sent: ours)
      return .end
    case .completed, .failed:
      return .end
    }
  }

  /// Whether our close frame is sent: no data may follow it (§5.5.1).
  public var hasSentClose: Bool {
    switch self {
    case .open, .received: false
    case .sent, .completed, .failed: true
    }
  }

  /// Whether both close frames were sent: the connection has been closed cleanly (§7.1.4).
  public var isClean: Bool {
    if case .completed = self { true } else { false }
  }

  /// The code with which the peer closed, 1005 if its close frame had none, and 1006 as long as no
  /// close frame has come (§7.1.5).
  public var connectionCloseCode: CloseCode {
    switch self {
    case .received(let theirs), .completed(_, let theirs): theirs ?? .noStatusReceived
    case .open, .sent, .failed: .abnormalClosure
    }
  }
}
