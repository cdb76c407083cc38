internal import CURing
internal import Glibc

/// The headers of sends that name several ranges, until the kernel has taken them.
@safe struct MessageScratch: ~Copyable {
  private static let capacity = 128

  private let messages: UnsafeMutablePointer<msghdr>
  private let vectors: UnsafeMutablePointer<iovec>
  private var count = 0

  init() {
    unsafe messages = .allocate(capacity: Self.capacity)
    unsafe vectors = .allocate(capacity: Self.capacity * SendBatch.vectorCountMax)
  }

  deinit {
    unsafe messages.deallocate()
    unsafe vectors.deallocate()
  }

  /// A message that names the ranges of a batch. Nil: no room before the next submission.
  mutating func makeMessage(_ batch: SendBatch) -> UnsafeMutablePointer<msghdr>? {
    guard count < Self.capacity else { return nil }
    assert(unsafe batch.vectors.count <= SendBatch.vectorCountMax)
    let message = unsafe messages + count
    let copy = unsafe vectors + count * SendBatch.vectorCountMax
    for position in unsafe batch.vectors.indices {
      unsafe (copy + position).initialize(to: batch.vectors[position])
    }
    unsafe message.initialize(to: msghdr())
    unsafe message.pointee.msg_iov = unsafe copy
    unsafe message.pointee.msg_iovlen = unsafe batch.vectors.count
    count += 1
    return unsafe message
  }

  /// The kernel has taken all of them.
  mutating func reset() {
    count = 0
  }
}
