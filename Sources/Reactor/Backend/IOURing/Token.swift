/// The 64 bits that a completion brings back from its submission: slot, generation, operation.
///
/// An operation of a connection that has gone cannot be taken for one of the next connection in the
/// same record, since the generations differ.
struct Token: Equatable {
  let rawValue: UInt64

  enum Operation: UInt8 {
    /// A poll of the eventfd that other threads write to.
    case wake = 1
    /// Accepting; the slot is the listener's index.
    case accept
    /// Whatever waits for bytes of a connection: a multishot receive, a receive, or a poll.
    case receive
    /// A send tried during submission, which posts a completion only when it was short or failed.
    case inlineSend
    /// A send that waits for room in the socket.
    case send
    /// Asked for an operation to end: of no interest, the operation's own completion tells.
    case cancel
    /// A change to a direct descriptor that completes at once: reported when it failed only.
    case adjustment
    /// A poll that ends when a socket has connected, or has failed to.
    case connect
    /// Gives a direct descriptor a number in the process, to shut it down with.
    case install
    /// Takes a direct descriptor out of the ring's table.
    case closing
    /// Asks a direct descriptor how much the peer has not acknowledged.
    case examination
    /// Gives a direct descriptor a number in the process, to ask what the ring cannot.
    case installForExamination
  }

  init(_ operation: Operation, index: UInt32, generation: UInt32) {
    assert(Int(index) < ConnectionSlab.capacityMax)
    rawValue = UInt64(index) << 40 | UInt64(generation) << 8 | UInt64(operation.rawValue)
  }

  init(_ operation: Operation, of connection: ConnectionPointer) {
    self.init(
      operation, index: connection.pointee.index, generation: connection.pointee.generation)
  }

  init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  var operation: Operation? { Operation(rawValue: UInt8(truncatingIfNeeded: rawValue)) }
  var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 8) }
  var index: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 40) }
}
