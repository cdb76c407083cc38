internal import CURing
internal import Glibc

/// An epoll descriptor, and room for the events it reports.
@safe struct EpollSet: ~Copyable {
  /// System calls made so far.
  private(set) var systemCallCount: UInt64 = 0

  private var descriptor: Int32
  private let events: UnsafeMutablePointer<epoll_event>
  private let eventCountMax: Int32
  /// epoll_pwait2 is missing before Linux 5.11, and is refused by sandboxes that do not know it.
  private var canWaitNanoseconds = true

  /// What is signalled of a connection: each change, once.
  static var connectionEvents: UInt32 {
    EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
  }

  init(eventCountMax: Int) throws(SystemError) {
    let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw .current("epoll_create1") }
    self.descriptor = descriptor
    self.eventCountMax = Int32(eventCountMax)
    unsafe events = .allocate(capacity: eventCountMax)
  }

  deinit {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    unsafe events.deallocate()
  }

  /// Closes the descriptor. Nothing else may be called afterwards.
  mutating func close() {
    guard descriptor >= 0 else { return }
    _ = Glibc.close(descriptor)
    descriptor = -1
  }

  /// Has events of a descriptor reported, with a token.
  mutating func add(
    _ watched: Int32, events: UInt32, token: EpollToken
  ) throws(SystemError) {
    var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: token.bits))
    systemCallCount += 1
    guard unsafe epoll_ctl(descriptor, EPOLL_CTL_ADD, watched, &event) == 0 else {
      throw SystemError(
        "epoll_ctl", code: errno,
        advice: errno == ENOSPC ? "Raise fs.epoll.max_user_watches." : nil)
    }
  }

  /// Ends reporting events of a descriptor that stays open. Closing one does so by itself.
  mutating func remove(_ watched: Int32) {
    systemCallCount += 1
    _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, nil)
  }

  /// The event at a position below what `poll` or `wait` has returned.
  func event(at position: Int) -> (token: EpollToken, events: UInt32) {
    let event = unsafe events[position]
    return unsafe (EpollToken(bits: event.data.u64), event.events)
  }

  /// Takes the events that are there. Returns how many.
  mutating func poll() -> Int {
    takeEvents(milliseconds: 0)
  }

  /// Blocks until there are events and takes them. Returns how many.
  mutating func wait() -> Int {
    while true {
      let count = takeEvents(milliseconds: -1)
      if count != 0 { return count }
    }
  }

  /// Blocks until there are events, or until a time of the monotonic clock, and takes them. Returns
  /// how many.
  mutating func wait(nowNanoseconds: Int64, untilNanoseconds deadline: Int64) -> Int {
    guard nowNanoseconds < deadline else { return poll() }
    var now = nowNanoseconds
    while true {
      let count = takeEvents(nanoseconds: deadline - now)
      if count != 0 { return count }
      // The time is over, or a signal has come.
      now = MonotonicClock.nowNanoseconds()
      if now >= deadline { return 0 }
    }
  }

  private mutating func takeEvents(nanoseconds: Int64) -> Int {
    if canWaitNanoseconds {
      systemCallCount += 1
      let count = unsafe martlet_epoll_wait_nanoseconds(
        descriptor, events, eventCountMax, nanoseconds)
      if count >= 0 { return Int(count) }
      if errno == EINTR { return 0 }
      canWaitNanoseconds = errno != ENOSYS && errno != EPERM
      precondition(!canWaitNanoseconds, "epoll_pwait2 fails: the set has been closed")
    }
    // Rounded up: a timer must not find its time not yet come, and ask again at once, many times.
    let milliseconds = nanoseconds / 1_000_000 + 1
    return takeEvents(milliseconds: Int32(clamping: milliseconds))
  }

  private mutating func takeEvents(milliseconds: Int32) -> Int {
    systemCallCount += 1
    let count = unsafe epoll_wait(descriptor, events, eventCountMax, milliseconds)
    guard count < 0 else { return Int(count) }
    precondition(errno == EINTR, "epoll_wait fails: the set has been closed")
    return 0
  }
}
