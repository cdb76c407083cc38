internal import Glibc

/// Parts of a pass that have much to do now and then, and do it bit by bit.
extension ReactorLoop {
  /// Connections whose sends are started in one pass: with io_uring the kernel works on all of them
  /// in one system call.
  private static let flushCountMax = 1024
  /// Of those that an earlier pass had no time for at least so many, or for so long.
  private static let restCountMin = 256
  private static let restNanosecondsMin: Int64 = 1_000_000

  /// A publisher that has woken this thread on its own processor may be in the middle of a burst.
  /// To send its first message to very many takes longer than to let it have its turn, after which
  /// the rest can go with it.
  func letPublishersGoOn() {
    state.value.statistics.systemCallCount &+= 1
    sched_yield()
    takePosted()
  }

  /// Not those that a job adds: one that adds another for now would never let go.
  func runDelayedJobs() {
    let now = state.value.realNanoseconds
    guard state.value.delayedJobs.nextNanoseconds <= now else { return }
    state.value.budget.begin()
    let lastNumber = state.value.delayedJobs.lastNumber
    while state.value.budget.allowsAnother(),
      let job = state.value.delayedJobs.takeDue(atNanoseconds: now, upToNumber: lastNumber)
    {
      job(.run)
    }
  }

  /// Once for all whom it has marked: to look at all subscribers of a topic takes long if there are
  /// very many, and those that have not been flushed since are going to be sent what is new as well.
  func offerTopics() {
    guard state.value.unflushedCountBeforeOffer == 0 else { return }
    let isOffering = !reactor.topics.value.dirty.isEmpty
    reactor.offerTopics(handler)
    if isOffering { state.value.unflushedCountBeforeOffer = Int.max }
  }

  /// Only those that are dirty now: what a completion or `drained` adds comes in the next pass. And only
  /// as far as there is time. Those that are left stand behind the fresh ones of the next passes,
  /// and are flushed a part at a time however many of these there are.
  func flushDirty() {
    state.value.budget.begin()
    let count = state.value.dirty.count
    var position = 0
    while position < count, position < Self.flushCountMax, state.value.budget.allowsAnother() {
      let connection = state.value.dirty[position]
      if connection.pointee.flags.contains(.isDirty) { flush(connection) }
      position += 1
    }
    for connection in state.value.dirty[position..<count] {
      state.value.unflushed.append(connection)
    }
    if count > 0 { state.value.dirty.removeFirst(count) }
    let left = state.value.unflushed.count
    state.value.unflushedCountBeforeOffer = min(state.value.unflushedCountBeforeOffer, left)
    if left > 0 { flushRest(countMax: max(Self.flushCountMax - position, Self.restCountMin)) }
  }

  private func flushRest(countMax: Int) {
    state.value.budget.extend(byNanoseconds: Self.restNanosecondsMin)
    var count = min(state.value.unflushed.count, countMax)
    while count > 0, state.value.budget.allowsAnother(),
      let connection = state.value.unflushed.popFirst()
    {
      count -= 1
      if state.value.unflushedCountBeforeOffer > 0 { state.value.unflushedCountBeforeOffer -= 1 }
      if connection.pointee.flags.contains(.isDirty) { flush(connection) }
    }
  }
}
