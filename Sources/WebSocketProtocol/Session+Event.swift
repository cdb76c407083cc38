extension Session {
  /// What the bytes of the peer say. A range names unmasked bytes of the buffer that was passed to
  /// `next`, so an event holds no memory.
  public enum Event: Equatable, Sendable {
    /// A whole message, which lies in this buffer in one piece.
    case message(Message.Kind, Range<Int>)
    /// A piece of a message, not necessarily a whole frame, as its bytes arrive. Never both first
    /// and last: that is a `message`. Only a last piece can be empty. The pieces of a text may
    /// split a character; all of them together are valid UTF-8.
    case fragment(Message.Kind, Range<Int>, isFirst: Bool, isLast: Bool)
    /// To be answered with a pong that carries the same bytes (§5.5.2).
    case ping(Range<Int>)
    case pong(Range<Int>)
    /// The last event of a session. To be followed by `Session.answerClose`.
    case close(CloseCode?, reason: Range<Int>)
  }

  /// What a peer may make this end hold. Checked against the lengths that headers declare, before
  /// any byte of the payload has come.
  public struct Limits: Equatable, Sendable {
    /// The most bytes of one message, over all of its frames.
    public let messageByteCountMax: Int
    /// The most bytes in the payload of one data frame.
    public let frameByteCountMax: Int
    /// The most bytes of a message that fits both limits and a length field of one byte.
    @usableFromInline let shortMessageByteCountMax: Int

    /// Without a limit of its own, a frame may be as long as a message.
    /// - Precondition: neither limit is negative.
    public init(messageByteCountMax: Int, frameByteCountMax: Int? = nil) {
      guard messageByteCountMax >= 0, frameByteCountMax ?? 0 >= 0 else {
        misuse("messageByteCountMax and frameByteCountMax must not be negative.")
      }
      self.messageByteCountMax = messageByteCountMax
      self.frameByteCountMax = frameByteCountMax ?? messageByteCountMax
      shortMessageByteCountMax = min(messageByteCountMax, self.frameByteCountMax, 125)
    }
  }
}
