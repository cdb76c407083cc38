internal import CURing
internal import Glibc

/// Tries out what a backend relies on, in about a millisecond: versions and feature bits do not
/// tell of kernels that were patched, nor of sandboxes that pretend.
@safe struct SelfTest: ~Copyable {
  private let ring: Ring
  private let buffers: BufferRing

  /// What the kernel can do, found out once for the process.
  /// - Throws: why io_uring cannot be used, and what to do about it.
  static func capabilities() throws(SystemError) -> IOURingCapabilities {
    try outcome.get()
  }

  private static let outcome: Result<IOURingCapabilities, SystemError> = Result {
    () throws(SystemError) -> IOURingCapabilities in
    let test = try SelfTest()
    try test.receivesMultishot()
    try test.pollsMultishot()
    return IOURingCapabilities(
      sendsInline: try test.sendsInline(),
      hasDirectDescriptors: (try? DirectDescriptorTest().freesSlotsAtOnce()) ?? false,
      restrictsRings: test.ring.isRestricted)
  }

  private init() throws(SystemError) {
    let ring = try Ring(submissionCount: 16, completionCount: 64, usesDirectDescriptors: false)
    let buffers = try BufferRing(count: 4, byteCount: 64, group: 0, ring: ring)
    self.ring = ring
    self.buffers = buffers
  }

  /// One receive brings bytes twice, each time in a provided buffer, and then the end.
  private func receivesMultishot() throws(SystemError) {
    let pair = try SocketPair()
    ring.nextSubmission()?.receive(
      pair.file, group: 0, isMultishot: true, pollsFirst: true, token: Self.token)
    for byte: UInt8 in 1...2 {
      ring.submit()
      unsafe withUnsafePointer(to: byte) { _ = unsafe Glibc.send(pair.peer, $0, 1, 0) }
      guard let completion = nextCompletion(), completion.result == 1, completion.hasMore,
        let buffer = completion.buffer, unsafe buffers.bytes(in: buffer, count: 1)[0] == byte
      else { throw .selfTest("multishot receive") }
      buffers.giveBack(buffer)
    }
    _ = shutdown(pair.peer, Int32(SHUT_RDWR))
    guard let end = nextCompletion(), end.result == 0, !end.hasMore else {
      throw .selfTest("the end of a multishot receive")
    }
  }

  /// A poll of an eventfd reports each write, though the eventfd is never read.
  private func pollsMultishot() throws(SystemError) {
    let event = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard event >= 0 else { throw .current("eventfd") }
    defer { Glibc.close(event) }
    ring.nextSubmission()?.poll(
      .init(descriptor: event, isDirect: false), events: Int32(POLLIN), isMultishot: true,
      token: Self.token)
    ring.submit()
    for _ in 0..<2 {
      _ = eventfd_write(event, 1)
      guard let completion = nextCompletion(), completion.result > 0, completion.hasMore else {
        throw .selfTest("multishot poll")
      }
    }
    ring.cancelAll()
    _ = nextCompletion()
  }

  /// An inline send completes during submission: without a word when it succeeded, else with how
  /// much was sent.
  private func sendsInline() throws(SystemError) -> Bool {
    let pair = try SocketPair()
    let byteCount = 4 << 20
    let bytes = try unsafe mapMemory(byteCount: byteCount)
    defer { unsafe munmap(bytes, byteCount) }
    unsafe ring.nextSubmission()?.send(
      bytes, count: 100, to: pair.file, .inline, token: Self.token)
    ring.submit()
    guard ring.readyCount == 0, pair.peerReads(100) else { return false }
    for _ in 0..<2 {
      unsafe ring.nextSubmission()?.send(
        bytes, count: byteCount, to: pair.file, .inline, token: Self.token)
    }
    ring.submit()
    guard ring.readyCount == 2 else { return false }
    let short = ring.takeCompletion()
    let full = ring.takeCompletion()
    return short.result > 0 && short.result < byteCount && full.result == -EAGAIN
  }

  /// The next completion; nil when none comes within half a second.
  private func nextCompletion() -> Completion? {
    let deadline = MonotonicClock.nowNanoseconds() + 500_000_000
    var rest: Int64 = 500_000_000
    // More than once only if a signal interrupts it.
    while ring.readyCount == 0, rest > 0 {
      let result = ring.submitAndWait(timeoutNanoseconds: rest)
      if result < 0, result != -EINTR { break }
      rest = deadline - MonotonicClock.nowNanoseconds()
    }
    return ring.readyCount > 0 ? ring.takeCompletion() : nil
  }

  private static var token: Token { Token(.receive, index: 0, generation: 0) }
}

extension SystemError {
  fileprivate static func selfTest(_ operation: String) -> SystemError {
    SystemError(
      "io_uring self-test: \(operation)", code: EOPNOTSUPP,
      advice: "This kernel's io_uring does not do what Linux 6.1 does")
  }
}
