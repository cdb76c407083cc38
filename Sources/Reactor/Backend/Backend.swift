/// What a kernel interface does for one reactor: it starts operations, and later reports their
/// completions. The reactor does not know which one it runs on; Tests/ReactorTests/Contract says
/// what each of them must do.
///
/// Made, used and freed on the reactor's own thread. Nothing here may be called from another one:
/// other threads end a `wait` by writing to the eventfd that the backend was made with.
///
/// A completion is reported from within `wait` only, never from within the call that started the
/// operation. The receiver may call any member but `wait` from within a completion.
package protocol Backend: AnyObject {
  var kind: BackendKind { get }

  /// How many descriptors the process must keep open for one connection: 1, or 0 when the ring
  /// holds connections as direct descriptors.
  var descriptorsPerConnection: Int { get }

  /// System calls made so far.
  var systemCallCount: UInt64 { get }

  /// Times that a receive found no buffer to receive into (ENOBUFS) so far.
  var starvedBufferCount: UInt64 { get }

  /// Starts accepting on a listening socket until `acceptFailed`, or `stopAccepting`. With
  /// `isOneByOne`, no further connection is taken from the backlog before `accepted` has returned.
  /// A wait reports at most `DeliveryLimits.acceptCountMax` of a listener, and no more than that are taken from
  /// its backlog before they are reported.
  func accept(on listener: Int32, index: Int, isOneByOne: Bool)

  /// Ends accepting on a listener. Connections already accepted may still be reported.
  func stopAccepting(index: Int)

  /// Takes over `record.descriptor`, an open, non-blocking, connected socket. On failure the
  /// descriptor stays the caller's.
  func adopt(_ connection: ConnectionPointer) throws(SystemError)

  /// As `adopt`, for a socket that is connecting, or has connected already: `connected` follows.
  /// Until then nothing but `close` may be called for it.
  func connect(_ connection: ConnectionPointer) throws(SystemError)

  /// Starts delivering received bytes, until `receiveEnded`, `pauseReceiving` or `close`.
  func receive(on connection: ConnectionPointer)

  /// Stops delivering received bytes until `receive` is called again. What the kernel had already
  /// handed over may still be delivered, by the next two waits. A reset is reported by `receiveEnded`
  /// meanwhile; a FIN is not, since bytes may stand in front of it.
  func pauseReceiving(on connection: ConnectionPointer)

  /// Asks what the kernel holds of the connection's bytes. `examined` follows from the next wait on,
  /// behind all that had been received by then, unless the connection is closed first. One question
  /// at a time for each connection.
  func examine(_ connection: ConnectionPointer)

  /// Says that nothing has been received for a while: a backend may move the connection to a form
  /// of waiting that costs less kernel memory and a little more at the next byte.
  func quiesce(_ connection: ConnectionPointer)

  /// Sends the bytes of `batch` in one go. At most one send is in flight on a connection, and not
  /// after `shutdownSending` or `close`. The bytes must stay in place until the send has ended; the
  /// iovecs themselves only during the call.
  func send(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart

  /// As `send`, for bytes that must have been offered to the socket before this returns: the caller decides by the
  /// answer how much still waits. May take a system call of its own. `pending` with no bytes says that it could not be
  /// found out how many the kernel has taken.
  func sendSynchronously(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart

  /// What has become of the send in flight, as far as that is known before `wait` reports it. `handed`: the kernel has
  /// taken all its bytes, and `wait` does not report it. `blocked`: the kernel has taken the bytes that are told here and
  /// holds no address of ours; `wait` reports the bytes taken beyond them. `pending` with no bytes: nothing is known.
  func settleSend(on connection: ConnectionPointer) -> SendStart

  /// Whether the next `send` would wait for room, and hold its bytes as long as the peer does not read: the last one has
  /// found the socket full. False if it would answer `blocked`.
  func isFull(_ connection: ConnectionPointer) -> Bool

  /// Sends what the socket takes of `batch` with a system call, without waiting for the rest, and
  /// keeps nothing: the bytes need to stay in place during the call only. For connections that have
  /// `ConnectionFlags.sendsAtOnce` and no send in flight. The answer is `handed`, with any number
  /// of bytes, also 0, or `failed`.
  func sendNow(_ batch: SendBatch, on connection: ConnectionPointer) -> SendStart

  /// Sends FIN. Receiving goes on. No send is in flight.
  func shutdownSending(on connection: ConnectionPointer)

  /// Ends the connection: no further `received` or `receiveEnded`; a send in flight ends in
  /// whatever way without being reported. `closed` follows, from the next `wait` on, when the
  /// kernel holds neither the socket nor memory of ours. Called once for each adopted or connecting
  /// connection.
  /// With `reset`, RST is sent instead of FIN.
  func close(_ connection: ConnectionPointer, reset: Bool)

  /// Starts what is waiting to be started, blocks until something completes, the eventfd is written
  /// to or the time is over, and delivers what is complete, fairly between connections, for some
  /// milliseconds (`DeliveryLimits`). What is left then comes with the next waits, which do
  /// not block before: those whose bytes have cost little first, then one turn after the other for
  /// those that would have more to be read.
  func wait(_ bounds: WaitBounds, deliverTo receiver: any CompletionReceiver)

  /// Frees the ring or set. All connections have been closed, all listeners stopped.
  func tearDown()

  /// Gives memory back that was not needed lately. Called now and then. Returns whether there is
  /// more that it is going to give back, if it is not needed until the next call.
  @discardableResult
  func trimMemory() -> Bool
}

/// What one wait delivers at most.
package enum DeliveryLimits {
  /// Connections of one listener.
  package static let acceptCountMax = 16
  /// Nanoseconds for what has come since the last wait.
  static let nanosecondsMax: Int64 = 4_000_000
  /// Nanoseconds that are left in any case for those that have had their turn and have more.
  static let backlogNanosecondsMin: Int64 = 1_000_000
}

extension Backend {
  func accept(on listener: Int32, index: Int) {
    accept(on: listener, index: index, isOneByOne: false)
  }
}

/// How long a `wait` may block.
package struct WaitBounds {
  /// Nanoseconds after which `wait` returns though nothing has completed. Negative: no limit. 0: it
  /// does not block.
  package var timeoutNanoseconds: Int64

  /// Nanoseconds since the last wake during which completions may gather before `wait` delivers
  /// them: the coalescing window. 0: deliver at once.
  package var coalesceNanoseconds: Int64 = 0
}

/// What became of a send at once.
package enum SendStart {
  /// This many bytes, all or a part, are in the kernel, and the send has ended.
  case handed(Int)
  /// This many bytes are in the kernel; `sent` will report the further course.
  case pending(Int)
  /// This many bytes are in the kernel, which takes no more for now and holds no address of ours:
  /// `sent` will report, with no further bytes, when it does.
  case blocked(Int)
  /// The connection is broken: errno.
  case failed(Int32)
}

/// Receives the completions of a backend.
package protocol CompletionReceiver: AnyObject {
  /// A connection was accepted: an open descriptor (non-blocking, close-on-exec) that is now the
  /// receiver's. Accepting goes on.
  func accepted(_ descriptor: Int32, listener: Int)

  /// Accepting has ended with an errno (EMFILE, ENFILE, ENOBUFS, ENOMEM, or a broken listener). The
  /// clients wait in the backlog. Call `accept` again to go on.
  func acceptFailed(_ code: Int32, listener: Int)

  /// A socket that was given to `connect` has connected, with 0, and is now as one that was
  /// adopted; or it never will be: errno. Then it has still to be closed.
  func connected(_ code: Int32, on connection: ConnectionPointer)

  /// Bytes have arrived, in memory that is the receiver's during the call, to be changed at will.
  /// The `Reactor.receiveHeadroom` bytes in front of it may be written to as well. Never empty.
  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer)

  /// Receiving is over: errno, or 0 when the peer has sent FIN. Sending may go on after a FIN.
  func receiveEnded(_ code: Int32, on connection: ConnectionPointer)

  /// The answer to `Backend.examine`.
  func examined(_ bytes: SocketBytes, on connection: ConnectionPointer)

  /// The pending send has ended: this many further bytes are in the kernel. Fewer than were asked
  /// (also none): send the rest again.
  func sent(_ byteCount: Int, on connection: ConnectionPointer)

  /// The pending send has failed: errno.
  func sendFailed(_ code: Int32, on connection: ConnectionPointer)

  /// The kernel holds nothing of this connection any more: the record can be used again.
  func closed(_ connection: ConnectionPointer)
}
