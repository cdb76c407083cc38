import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite("Whoever sends the next bytes when the last ones are in the kernel", .serialized)
struct EndlessSendingTests {
  @Test("does not keep the reactor from the others", arguments: BackendKind.allCases)
  func fairness(kind: BackendKind) throws {
    var configuration = ReactorConfiguration()
    configuration.backend = kind == .epoll ? .epoll : .ioURing
    configuration.reactorCount = 1
    configuration.stopMilliseconds = 500
    let endsEndlessness = Atomic<Bool>(false)
    let group = try ReactorGroup(
      configuration: configuration, addresses: [.loopback(port: 0)]
    ) { EndlessHandler($0) { endsEndlessness.load(ordering: .relaxed) } }
    let greedy = try LineClient(group.addresses[0])
    greedy.tell("endless")
    // It reads faster than it is sent to, so the socket always has room.
    let reader = try Thread.start(name: "reader") { _ = greedy.readToEnd() }
    Pause.milliseconds(100)
    let other = try LineClient(group.addresses[0])
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(
      other.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    #expect(other.ask("hello") == "hello")
    endsEndlessness.store(true, ordering: .relaxed)
    group.stop()
    group.wait()
    reader.join()
  }
}

/// Sends for ever to whoever asks for it; says the same to all others.
private final class EndlessHandler: ConnectionHandler {
  private let reactor: Reactor
  private let isOver: @Sendable () -> Bool

  init(_ reactor: Reactor, isOver: @escaping @Sendable () -> Bool) {
    self.reactor = reactor
    self.isOver = isOver
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
    if String(decoding: bytes, as: UTF8.self) == "endless\n" {
      Self.sendNext(reactor.id(of: connection), isOver)
    } else {
      reactor.reserve(bytes.count, on: connection).copyMemory(from: .init(bytes))
    }
  }

  private static func sendNext(_ id: ConnectionID, _ isOver: @escaping @Sendable () -> Bool) {
    guard !isOver(), let reactor = Reactor.current, let connection = reactor.connection(id),
      reactor.canSend(on: connection)
    else { return }
    let chunk = reactor.makeChunk(byteCount: 10) { outcome in
      if outcome == .sent { sendNext(id, isOver) }
    }
    for position in 0..<10 { chunk.content[position] = 120 }
    reactor.enqueue(chunk, on: connection)
  }

  func accepted(_ connection: ConnectionPointer, listener: Int) {}
  func receiveEnded(on connection: ConnectionPointer) { reactor.finish(connection) }
  func drained(_ connection: ConnectionPointer) {}
  func lagged(behind log: TopicLog, on connection: ConnectionPointer) {}
  func expired(_ connection: ConnectionPointer) {}
  func posted(_ chunk: PostedChunk, on connection: ConnectionPointer) {
    reactor.discard(chunk, .dropped)
  }
  func closed(_ connection: ConnectionPointer, error: SystemError?) {}
  func stopping() { reactor.forEachConnection { reactor.abort($0) } }
}
