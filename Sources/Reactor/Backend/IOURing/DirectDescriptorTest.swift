internal import CURing
internal import Glibc

/// Finds out whether a file is closed as soon as it is taken out of a ring's table. Before Linux
/// 6.13, one old operation on any file of the table held back all that were taken out later.
struct DirectDescriptorTest: ~Copyable {
  private let ring: Ring

  init() throws(SystemError) {
    let ring = try Ring(submissionCount: 8, completionCount: 16, usesDirectDescriptors: true)
    try ring.registerTable(count: 2)
    self.ring = ring
  }

  func freesSlotsAtOnce() throws(SystemError) -> Bool {
    let old = try SocketPair()
    try ring.updateTable(at: 0, to: old.descriptor)
    ring.nextSubmission()?.poll(
      .init(descriptor: 0, isDirect: true), events: Int32(POLLIN),
      token: Token(.receive, index: 0, generation: 0))
    ring.submit()

    var pair = try SocketPair()
    try ring.updateTable(at: 1, to: pair.descriptor)
    pair.closeDescriptor()
    ring.nextSubmission()?.closeDirect(1, token: Token(.closing, index: 1, generation: 0))
    ring.submitAndWait(timeoutNanoseconds: 500_000_000)
    let hasEnded = pair.hasPeerEnded
    ring.cancelAll()
    return hasEnded
  }
}
