import CURing
import Glibc
import Testing

@testable import Reactor

/// A ring refuses what no backend asks of it, so that a mistake of ours cannot, say, open a file.
@Suite(
  "io_uring: restrictions", .serialized,
  .enabled(if: (try? SelfTest.capabilities().restrictsRings) == true))
struct RingRestrictionTests {
  @Test("only the operations of a backend are allowed", arguments: [false, true])
  func operations(usesDirectDescriptors: Bool) throws {
    let ring = try makeRing(usesDirectDescriptors: usesDirectDescriptors)
    let always = [
      IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL, IORING_OP_ACCEPT, IORING_OP_RECV, IORING_OP_SEND,
      IORING_OP_SENDMSG,
    ].map { UInt8($0.rawValue) }
    let direct =
      [IORING_OP_CLOSE, IORING_OP_SHUTDOWN, IORING_OP_URING_CMD].map { UInt8($0.rawValue) }
      + [MARTLET_OPERATION_FIXED_FD_INSTALL]
    let others =
      try SelfTest.capabilities().hasDirectDescriptors ? [MARTLET_OPERATION_FIXED_FD_INSTALL] : []
    let allowed = Set(always + (usesDirectDescriptors ? direct : []))
    for operation in Array(0..<UInt8(IORING_OP_LAST.rawValue)) + others {
      // None of them may do anything: their descriptor is none.
      let result = try outcome(of: operation, on: ring)
      #expect(
        (result != -EACCES) == allowed.contains(operation), "operation \(operation): \(result)")
    }
  }

  @Test("a file cannot be opened by way of a ring")
  func opening() throws {
    let ring = try makeRing(usesDirectDescriptors: true)
    let path = Array("/dev/null".utf8CString)
    let result = try path.withUnsafeBufferPointer { path in
      try outcome(on: ring) { entry in
        entry.opcode = UInt8(IORING_OP_OPENAT.rawValue)
        entry.fd = AT_FDCWD
        entry.addr = UInt64(UInt(bitPattern: path.baseAddress))
      }
    }
    #expect(result == -EACCES)
  }

  @Test("an allowed operation is refused with a flag that no backend sets")
  func flags() throws {
    let ring = try makeRing(usesDirectDescriptors: false)
    let send = UInt8(IORING_OP_SEND.rawValue)
    // IOSQE_IO_DRAIN, IO_LINK, IO_HARDLINK, ASYNC; and without direct descriptors FIXED_FILE.
    for flag: UInt8 in [1 << 1, 1 << 2, 1 << 3, 1 << 4, MARTLET_SQE_FIXED_FILE] {
      #expect(try outcome(of: send, flags: flag, on: ring) == -EACCES, "flag \(flag)")
    }
    #expect(try outcome(of: send, on: ring) == -EBADF)
  }

  @Test("registering what no backend uses is refused")
  func registering() throws {
    let ring = try makeRing(usesDirectDescriptors: false)
    let descriptor = ringDescriptor(ring)
    let unused = [
      IORING_REGISTER_BUFFERS, IORING_REGISTER_FILES, IORING_REGISTER_EVENTFD,
      IORING_REGISTER_PROBE, IORING_REGISTER_PERSONALITY, IORING_REGISTER_FILES2,
      IORING_REGISTER_FILES_UPDATE, IORING_REGISTER_RING_FDS,
    ]
    for operation in unused {
      #expect(
        io_uring_register(descriptor, UInt32(operation), nil, 0) == -EACCES,
        "operation \(operation)")
    }
    #expect(throws: SystemError.self) { try ring.registerTable(count: 2) }
    let direct = try makeRing(usesDirectDescriptors: true)
    try direct.registerTable(count: 2)
  }

  @Test("restrictions cannot be replaced")
  func replacing() throws {
    let ring = try makeRing(usesDirectDescriptors: false)
    var rule = martlet_restriction(
      UInt16(IORING_RESTRICTION_SQE_OP), UInt8(IORING_OP_OPENAT.rawValue))
    let result = io_uring_register(
      ringDescriptor(ring), UInt32(IORING_REGISTER_RESTRICTIONS), &rule, 1)
    #expect(result < 0)
    #expect(try outcome(of: UInt8(IORING_OP_OPENAT.rawValue), on: ring) == -EACCES)
  }

  @Test("where restricting is refused, rings do without, and the log's line says so")
  func refused() async {
    await #expect(processExitsWith: .success) {
      forbidRestrictingRings()
      let ring = try Ring(submissionCount: 8, completionCount: 16, usesDirectDescriptors: false)
      guard !ring.isRestricted else { exit(1) }
      guard try !SelfTest.capabilities().restrictsRings else { exit(2) }
      let decision = try BackendChoice.automatic.decide(override: nil)
      exit(decision.kind == .ioURing && decision.reason.contains("restricted") ? 0 : 3)
    }
  }

  // MARK: -

  private func makeRing(usesDirectDescriptors: Bool) throws -> Ring {
    let ring = try Ring(
      submissionCount: 8, completionCount: 16, usesDirectDescriptors: usesDirectDescriptors)
    guard ring.isRestricted else { throw SystemError("restrict the ring", code: EOPNOTSUPP) }
    return ring
  }

  private func ringDescriptor(_ ring: borrowing Ring) -> UInt32 {
    UInt32(ring.memory.pointee.ring_fd)
  }

  /// The result of an operation on no file. With what is refused it is -EACCES, whatever else the
  /// entry says.
  private func outcome(
    of operation: UInt8, flags: UInt8 = 0, on ring: borrowing Ring
  ) throws -> Int32 {
    try outcome(on: ring) { entry in
      entry.opcode = operation
      entry.flags = flags
      entry.fd = -1
    }
  }

  private func outcome(
    on ring: borrowing Ring, prepare: (inout io_uring_sqe) -> Void
  ) throws -> Int32 {
    let next = ring.nextSubmission()
    let submission = try #require(next)
    prepare(&submission.entry.pointee)
    ring.submitAndWait(timeoutNanoseconds: 1_000_000_000)
    let count = ring.readyCount
    try #require(count == 1)
    return ring.takeCompletion().result
  }
}
