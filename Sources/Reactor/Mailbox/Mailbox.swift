internal import CURing
internal import Glibc
internal import Synchronization

/// What other threads have posted to a reactor: many producers, one consumer, no lock.
///
/// A post wakes the reactor only if it sleeps, and only the first of those that find it sleeping
/// does, so that a batch costs one write to the eventfd.
///
/// No wake is lost. The consumer stores `isSleeping`, then looks at `newest` once more before it
/// sleeps. A producer stores `newest`, then looks at `isSleeping`. All four are sequentially
/// consistent, so at least one of the two sees the other's store. Models/mailbox.pml checks this, and
/// the rest of what is promised here, for every interleaving; what is changed here changes there.
@safe struct Mailbox: ~Copyable {
  /// The last entry posted, linked to the ones before it; `empty` or `closed`.
  private let newest = Atomic<UInt>(Mailbox.closed)
  private let isSleeping = Atomic<Bool>(false)
  /// Written to in order to wake the reactor. Never closed: a producer may be just about to write.
  let eventDescriptor: Int32

  private static let empty: UInt = 0
  private static let closed: UInt = 1

  init(eventDescriptor: Int32) {
    self.eventDescriptor = eventDescriptor
  }

  /// Posts an entry, and wakes the reactor if it sleeps. Any thread. False: the reactor has stopped,
  /// and the entry is still the caller's.
  func post(_ entry: MailboxEntryPointer) -> Bool {
    let address = UInt(bitPattern: entry)
    var seen = newest.load(ordering: .relaxed)
    repeat {
      guard seen != Self.closed else { return false }
      unsafe entry.pointee.next = MailboxEntryPointer(bitPattern: seen)
    } while !exchange(&seen, address)
    if isSleeping.load(ordering: .sequentiallyConsistent),
      isSleeping.exchange(false, ordering: .sequentiallyConsistent)
    {
      wake()
    }
    return true
  }

  /// Says that the reactor is about to sleep. False: something has been posted, so it must not.
  func prepareToSleep() -> Bool {
    isSleeping.store(true, ordering: .sequentiallyConsistent)
    guard newest.load(ordering: .sequentiallyConsistent) == Self.empty else {
      isSleeping.store(false, ordering: .relaxed)
      return false
    }
    return true
  }

  func hasWoken() {
    isSleeping.store(false, ordering: .relaxed)
  }

  /// Takes all that has been posted, oldest first. The consumer only.
  func takeAll() -> MailboxEntryPointer? {
    guard newest.load(ordering: .relaxed) > Self.closed else { return nil }
    return unsafe reversed(newest.exchange(Self.empty, ordering: .acquiring))
  }

  /// Whether nothing is to be taken. The consumer only.
  var isEmpty: Bool { newest.load(ordering: .relaxed) <= Self.closed }

  func open() {
    newest.store(Self.empty, ordering: .releasing)
  }

  /// Refuses posts from now on, and takes what is there.
  func close() -> MailboxEntryPointer? {
    let last = newest.exchange(Self.closed, ordering: .acquiringAndReleasing)
    return last == Self.closed ? nil : unsafe reversed(last)
  }

  private func exchange(_ seen: inout UInt, _ address: UInt) -> Bool {
    let (done, original) = newest.weakCompareExchange(
      expected: seen, desired: address, ordering: .sequentiallyConsistent)
    seen = original
    return done
  }

  private func reversed(_ last: UInt) -> MailboxEntryPointer? {
    var rest = unsafe MailboxEntryPointer(bitPattern: last)
    var first: MailboxEntryPointer?
    while let entry = unsafe rest {
      unsafe rest = entry.pointee.next
      unsafe entry.pointee.next = first
      unsafe first = entry
    }
    return unsafe first
  }

  private func wake() {
    if let substitute = Kernel.substitute { return substitute.signal(eventDescriptor) }
    var one: UInt64 = 1
    // The only failure is a counter at its end, and then the reactor is awake anyway.
    _ = unsafe write(eventDescriptor, &one, 8)
  }
}
