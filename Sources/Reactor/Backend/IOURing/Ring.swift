internal import CURing
internal import Glibc

/// The two queues shared with the kernel. Used by the thread that made it only: the kernel refuses
/// others.
///
/// Completions appear during `enter` only, since the kernel defers its work to the moment when the
/// owner asks for it (DEFER_TASKRUN).
@safe struct Ring: ~Copyable {
  /// What the kernel says it can do.
  let features: UInt32
  /// Whether it may do only what a backend does. The kernel refuses everything else with EACCES.
  let isRestricted: Bool
  let submissionCount: Int
  let completionCount: Int

  let memory: UnsafeMutablePointer<io_uring>
  private let enterFlags: UInt32

  /// Makes a ring, with less room than asked for when the kernel grants no more memory, allowed to
  /// do only what a backend does where the kernel lets that be said.
  init(
    submissionCount: Int, completionCount: Int, usesDirectDescriptors: Bool
  ) throws(SystemError) {
    let memory = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
    unsafe memory.initialize(to: io_uring())
    let made: io_uring_params
    do throws(SystemError) {
      made = try unsafe Self.setUp(
        memory, submissionCount: submissionCount, completionCount: completionCount)
      isRestricted = try unsafe Self.enable(
        memory, usesDirectDescriptors: usesDirectDescriptors)
    } catch {
      unsafe memory.deallocate()
      throw error
    }
    unsafe self.memory = unsafe memory
    features = made.features
    self.submissionCount = Int(made.sq_entries)
    self.completionCount = Int(made.cq_entries)
    // Else an idle ring counts as a processor waiting for a disk.
    enterFlags =
      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG
      | (features & MARTLET_FEATURE_NO_IOWAIT == 0 ? 0 : MARTLET_ENTER_NO_IOWAIT)
  }

  deinit {
    unsafe io_uring_queue_exit(memory)
    unsafe memory.deallocate()
  }

  /// A zeroed entry to fill in. Nil: the queue is full, `submit` first.
  @inline(__always)
  func nextSubmission() -> Submission? {
    guard let entry = unsafe martlet_ring_next_submission(memory) else { return nil }
    return unsafe Submission(entry)
  }

  /// Prepared submissions that the kernel has not taken yet.
  var unsubmittedCount: Int { unsafe Int(martlet_ring_unsubmitted(memory)) }

  /// Hands prepared submissions to the kernel. Only what completes in that moment completes.
  /// Returns the submissions taken, or -errno.
  @discardableResult
  func submit() -> Int32 {
    checked(unsafe martlet_ring_enter(memory, 0, 0, nil))
  }

  /// Hands prepared submissions to the kernel, lets it do the work that it deferred, and waits
  /// until something has completed, for at most `timeoutNanoseconds` (0: does not wait; negative:
  /// no limit). While fewer than `gatherCount` have completed, it waits at least
  /// `gatherMicroseconds`, which needs `canGather`. Returns the submissions taken, or -errno.
  @discardableResult
  func submitAndWait(
    timeoutNanoseconds: Int64, gatherMicroseconds: UInt32 = 0, gatherCount: Int = 1
  ) -> Int32 {
    var limit = __kernel_timespec(
      tv_sec: timeoutNanoseconds / 1_000_000_000, tv_nsec: timeoutNanoseconds % 1_000_000_000)
    return unsafe withUnsafePointer(to: &limit) { limit in
      var wait = martlet_wait()
      wait.min_wait_usec = gatherMicroseconds
      if timeoutNanoseconds > 0 { wait.ts = UInt64(UInt(bitPattern: limit)) }
      let count = timeoutNanoseconds == 0 ? 0 : gatherMicroseconds == 0 ? 1 : gatherCount
      return unsafe checked(martlet_ring_enter(memory, UInt32(count), enterFlags, &wait))
    }
  }

  /// Linux 6.12
  var canGather: Bool { features & MARTLET_FEATURE_MIN_WAIT != 0 }

  /// Completions that can be taken.
  var readyCount: Int { unsafe Int(martlet_ring_completion_count(memory)) }

  /// Provided buffers that those hold. Looks at each of them.
  var readyBufferCount: Int { unsafe Int(martlet_ring_completed_buffer_count(memory)) }

  /// Completions wait in the kernel because the queue was full. `submitAndWait` brings them.
  var hasOverflowed: Bool { unsafe martlet_ring_has_overflowed(memory) }

  /// Takes the oldest of `readyCount` completions.
  @inline(__always)
  func takeCompletion() -> Completion {
    unsafe Completion(martlet_ring_take_completion(memory))
  }

  /// The result of a completion that can be taken, without taking it. Nil: there is none with this token.
  func readyResult(of token: Token) -> Int32? {
    var result: Int32 = 0
    return unsafe martlet_ring_find_completion(memory, token.rawValue, &result) ? result : nil
  }

  /// Ends all operations. Their completions can be taken afterwards.
  func cancelAll() {
    var request = io_uring_sync_cancel_reg()
    request.fd = -1
    request.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL
    request.timeout = __kernel_timespec(tv_sec: -1, tv_nsec: -1)
    // A signal interrupts it.
    while unsafe register(UInt32(IORING_REGISTER_SYNC_CANCEL), &request, 1) == -EINTR {}
  }

  /// Lends a ring of provided buffers to the kernel.
  func registerBuffers(
    _ entries: UnsafeMutableRawPointer, count: Int, group: UInt16
  ) throws(SystemError) {
    let result = unsafe martlet_buffer_ring_register(memory, entries, UInt32(count), group)
    guard result == 0 else { throw .ring("register receive buffers", code: -result) }
  }

  /// Makes the ring's own table of descriptors, all empty. At most the process's soft limit of open
  /// files.
  func registerTable(count: Int) throws(SystemError) {
    let result = unsafe io_uring_register_files_sparse(memory, UInt32(count))
    guard result == 0 else { throw .ring("register direct descriptors", code: -result) }
  }

  /// Puts an open descriptor into the ring's table, which then holds the file as well.
  func updateTable(at index: UInt32, to descriptor: Int32) throws(SystemError) {
    let result = unsafe withUnsafePointer(to: descriptor) { descriptor in
      unsafe io_uring_register_files_update(memory, index, descriptor, 1)
    }
    guard result == 1 else {
      throw .ring("adopt a direct descriptor", code: result < 0 ? -result : ENFILE)
    }
  }

  private func checked(_ result: Int32) -> Int32 {
    precondition(result != -EEXIST, "a ring is for the thread that made it")
    return result
  }

  private func register(
    _ operation: UInt32, _ argument: UnsafeRawPointer, _ count: UInt32
  ) -> Int32 {
    unsafe io_uring_register(UInt32(memory.pointee.ring_fd), operation, argument, count)
  }
}
