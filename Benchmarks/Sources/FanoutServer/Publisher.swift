import Glibc
import Synchronization
import WebSocket

/// Publishes on threads that are no reactors, each of them every `threadCount`-th message.
final class Publisher: Sendable {
  private let topic: Topic
  private let connections: Connections?
  private let messageCount: Int
  private let payloadByteCount: Int
  private let threadCount: Int
  private let intervalNanoseconds: UInt64
  private let publishingThreadCount = Atomic(0)

  /// With `connections`, the messages are sent to each of them, and not published.
  init(_ options: Options, to topic: Topic, or connections: Connections?) {
    self.topic = topic
    self.connections = connections
    messageCount = options.messageCount
    payloadByteCount = options.payloadByteCount
    threadCount = options.threadCount
    intervalNanoseconds = UInt64(options.intervalMicroseconds) * 1000
  }

  /// Begins a round, unless one is under way. Any thread.
  func start() {
    let (isFree, _) = publishingThreadCount.compareExchange(
      expected: 0, desired: threadCount, ordering: .acquiringAndReleasing)
    guard isFree else { return }
    let began = MonotonicClock.nanoseconds
    let receivers = connections?.all
    for first in 0..<threadCount {
      startThread { [self] in
        publishShare(from: first, began: began, to: receivers)
        publishingThreadCount.subtract(1, ordering: .acquiringAndReleasing)
      }
    }
  }

  private func publishShare(from first: Int, began: UInt64, to receivers: [Connection]?) {
    var payload = Payload(byteCount: payloadByteCount)
    for number in stride(from: first, to: messageCount, by: threadCount) {
      if intervalNanoseconds > 0 {
        MonotonicClock.sleep(until: began + UInt64(number) * intervalNanoseconds)
      }
      payload.fill(nanoseconds: MonotonicClock.nanoseconds, number: number)
      if let receivers {
        for receiver in receivers { unsafe receiver.send(payload.bytes.span.bytes, as: .text) }
      } else {
        unsafe topic.publish(payload.bytes.span.bytes, as: .text)
      }
    }
  }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void

  init(_ run: @escaping @Sendable () -> Void) {
    self.run = run
  }
}

private func startThread(_ run: @escaping @Sendable () -> Void) {
  let body = unsafe Unmanaged.passRetained(ThreadBody(run))
  var thread = pthread_t()
  let code = unsafe pthread_create(
    &thread, nil,
    { argument in
      guard let argument = unsafe argument else { return nil }
      unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
      return nil
    }, body.toOpaque())
  precondition(code == 0, "pthread_create failed with \(code)")
  pthread_detach(thread)
}
