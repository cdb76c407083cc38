import CURing
import Glibc

@testable import Reactor

/// A mailbox with an eventfd of its own, for chunks that are numbers.
final class TestMailbox: Sendable {
  let pointee: Mailbox

  init() {
    pointee = Mailbox(eventDescriptor: eventfd(0, Int32(O_NONBLOCK | O_CLOEXEC)))
    pointee.open()
  }

  deinit {
    _ = close()
    Glibc.close(pointee.eventDescriptor)
  }

  /// False: it was refused.
  @discardableResult
  func post(_ value: Int) -> Bool {
    let chunk = ChunkPool.makeUnpooled(0)
    chunk.pointee.firstOrdinal = UInt64(value)
    if pointee.post(chunk.entry) { return true }
    ChunkPool.destroy(chunk)
    return false
  }

  /// Whether it may sleep.
  func prepareToSleep() -> Bool { pointee.prepareToSleep() }

  func takeAll() -> [Int] { values(pointee.takeAll()) }

  func close() -> [Int] { values(pointee.close()) }

  /// Waits for a wake and takes it. False: none has come.
  func sleep(milliseconds: Int32) -> Bool {
    var poll = pollfd(fd: pointee.eventDescriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, milliseconds) == 1 && takeWakeCount() > 0
  }

  /// How often it has been woken since the last time.
  func takeWakeCount() -> Int {
    var count: UInt64 = 0
    return read(pointee.eventDescriptor, &count, 8) == 8 ? Int(count) : 0
  }

  private func values(_ first: MailboxEntryPointer?) -> [Int] {
    var values: [Int] = []
    var next = first
    while let entry = next {
      next = entry.pointee.next
      values.append(Int(entry.chunk.pointee.firstOrdinal))
      entry.destroy()
    }
    return values
  }
}
