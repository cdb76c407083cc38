internal import CURing
internal import Glibc

/// A value that threads change under a lock, and wait on until it is as they want it.
///
/// Used where Synchronization's `Mutex` would do, too: ThreadSanitizer sees pthread's locks, but
/// not that one, and takes what it guards for races.
@safe package final class ConditionLock<Value>: @unchecked Sendable {
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init(_ value: Value) {
    self.value = value
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    unsafe pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Changes the value so that those who wait look at it again.
  package func change(_ body: (inout Value) -> Void) {
    withLock { value in
      body(&value)
      unsafe pthread_cond_broadcast(condition)
    }
  }

  /// Looks at the value, or changes it in a way that nobody waits for.
  package func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body(&value)
  }

  /// Waits until `body` returns something.
  package func wait<Result>(_ body: (Value) -> Result?) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(value) { return result }
      unsafe pthread_cond_wait(condition, mutex)
    }
  }

  /// Waits until `body` returns something, or until a time of the monotonic clock, which may change
  /// with the value. Max: for ever. Nil: the time has come.
  package func wait<Result>(
    untilNanoseconds deadline: (Value) -> Int64, _ body: (Value) -> Result?
  ) -> Result? {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(value) { return result }
      let nanoseconds = deadline(value)
      if nanoseconds == .max {
        unsafe pthread_cond_wait(condition, mutex)
        continue
      }
      if MonotonicClock.nowNanoseconds() >= nanoseconds { return nil }
      var time = timespec(nanoseconds: nanoseconds)
      _ = unsafe pthread_cond_timedwait(condition, mutex, &time)
    }
  }
}
