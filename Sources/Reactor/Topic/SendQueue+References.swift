/// The references to messages of topics in a send queue.
extension ConnectionPointer {
  /// Whether there are references to messages of topics in the queue.
  var hasReferences: Bool {
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      if unsafe chunk.pointee.subscription != Subscription.none { return true }
      unsafe next = chunk.pointee.next
    }
    return false
  }

  /// Bytes of topics that the queue refers to, and may be withdrawn.
  var referredByteCount: Int {
    var byteCount = 0
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      if unsafe chunk.pointee.subscription != Subscription.none {
        byteCount += unsafe chunk.content.count
      }
      unsafe next = chunk.pointee.next
    }
    return byteCount
  }

  /// The oldest message of a subscription that the queue refers to.
  func firstReferred(of subscription: UInt32) -> UInt64? {
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      if unsafe chunk.pointee.subscription == subscription {
        return unsafe chunk.pointee.firstOrdinal
      }
      unsafe next = chunk.pointee.next
    }
    return nil
  }

  /// Has references be sent as they are, without moving a cursor back any more.
  func disown(referencesOf subscription: UInt32) {
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      if unsafe chunk.pointee.subscription == subscription {
        unsafe chunk.pointee.subscription = Subscription.none
      }
      unsafe next = chunk.pointee.next
    }
  }

  /// As `disown(referencesOf:)`, of all subscriptions.
  func disownReferences() {
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      unsafe chunk.pointee.subscription = Subscription.none
      unsafe next = chunk.pointee.next
    }
  }

  /// Takes the references to messages of topics off the end of the queue, linked. Nil: there are
  /// none, or something else stands behind one of them.
  func takeReferences() -> OutboundChunkPointer? {
    var last: OutboundChunkPointer?
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next, unsafe chunk.pointee.subscription == Subscription.none {
      unsafe last = chunk
      unsafe next = chunk.pointee.next
    }
    let first = unsafe next
    var byteCount = 0
    while let chunk = unsafe next {
      guard unsafe chunk.pointee.subscription != Subscription.none else { return nil }
      byteCount += unsafe chunk.content.count
      unsafe next = chunk.pointee.next
    }
    guard let first = unsafe first else { return nil }
    pointee.queuedByteCount -= byteCount
    unsafe pointee.sendTail = last
    if let last = unsafe last {
      unsafe last.pointee.next = nil
    } else {
      unsafe pointee.sendHead = nil
    }
    return unsafe first
  }
}
