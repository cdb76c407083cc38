internal import CURing
internal import Glibc

/// How a ring comes to be: how much of it, and what it may do.
extension Ring {
  /// Asks for less and less while the kernel grants no more: up to 5.11, and again from 6.14 on,
  /// the rings of all processes of a user count against RLIMIT_MEMLOCK.
  static func setUp(
    _ ring: UnsafeMutablePointer<io_uring>, submissionCount: Int, completionCount: Int
  ) throws(SystemError) -> io_uring_params {
    var submissionCount = UInt32(submissionCount)
    var completionCount = UInt32(completionCount)
    while true {
      var parameters = io_uring_params()
      // Never NO_SQARRAY: liburing 2.3 does not know it and would overwrite the ring's header.
      parameters.flags =
        IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
        | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP
      parameters.cq_entries = completionCount
      let result = unsafe io_uring_queue_init_params(submissionCount, ring, &parameters)
      if result == 0 {
        unsafe martlet_ring_map_identity(ring, parameters.flags)
        return parameters
      }
      if result == -ENOMEM, completionCount > 2 * submissionCount {
        completionCount /= 2
      } else if result == -ENOMEM, submissionCount > 64 {
        submissionCount /= 2
        completionCount /= 2
      } else {
        throw .ring("io_uring_setup", code: -result)
      }
    }
  }

  /// Forbids what a backend never does, then starts the ring. The calling thread becomes its owner.
  ///
  /// - Returns: whether the rest is forbidden. A kernel or a sandbox that refuses that is no reason
  ///   to do without the ring: nothing depends on it.
  static func enable(
    _ ring: UnsafeMutablePointer<io_uring>, usesDirectDescriptors: Bool
  ) throws(SystemError) -> Bool {
    let descriptor = unsafe UInt32(ring.pointee.ring_fd)
    var rules = restrictions(usesDirectDescriptors: usesDirectDescriptors)
    let isRestricted =
      unsafe io_uring_register(
        descriptor, UInt32(IORING_REGISTER_RESTRICTIONS), &rules, UInt32(rules.count)) == 0
    let result = io_uring_register(descriptor, UInt32(IORING_REGISTER_ENABLE_RINGS), nil, 0)
    guard result < 0 else { return isRestricted }
    unsafe io_uring_queue_exit(ring)
    throw .ring("enable the ring", code: -result)
  }

  private static func restrictions(usesDirectDescriptors: Bool) -> [io_uring_restriction] {
    var operations = [
      IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL, IORING_OP_ACCEPT, IORING_OP_RECV, IORING_OP_SEND,
      IORING_OP_SENDMSG,
    ].map { UInt8($0.rawValue) }
    if usesDirectDescriptors {
      operations += [IORING_OP_CLOSE, IORING_OP_SHUTDOWN, IORING_OP_URING_CMD].map {
        UInt8($0.rawValue)
      }
      operations.append(MARTLET_OPERATION_FIXED_FD_INSTALL)
    }
    var registrations = [
      IORING_REGISTER_PBUF_RING, IORING_REGISTER_SYNC_CANCEL, IORING_REGISTER_ENABLE_RINGS,
    ]
    var flags = MARTLET_SQE_BUFFER_SELECT | MARTLET_SQE_CQE_SKIP_SUCCESS
    if usesDirectDescriptors {
      registrations += [IORING_REGISTER_FILES2, IORING_REGISTER_FILES_UPDATE]
      flags |= MARTLET_SQE_FIXED_FILE
    }
    return operations.map { martlet_restriction(UInt16(IORING_RESTRICTION_SQE_OP), $0) }
      + registrations.map {
        martlet_restriction(UInt16(IORING_RESTRICTION_REGISTER_OP), UInt8($0))
      }
      + [martlet_restriction(UInt16(IORING_RESTRICTION_SQE_FLAGS_ALLOWED), flags)]
  }
}

extension SystemError {
  /// An error of io_uring itself, with what can be done about it.
  static func ring(_ operation: String, code: Int32) -> SystemError {
    let advice: String? =
      switch code {
      case EPERM, EACCES:
        "io_uring is forbidden: by the sysctl kernel.io_uring_disabled, or by a container's seccomp profile"
      case ENOSYS, EINVAL:
        "The kernel has no io_uring, or one older than Linux 6.1"
      case ENOMEM:
        "Rings count against the memory a user may lock: raise RLIMIT_MEMLOCK (ulimit -l)"
      case EMFILE:
        "Raise RLIMIT_NOFILE (ulimit -n)"
      default: nil
      }
    return SystemError(operation, code: code, advice: advice)
  }
}
