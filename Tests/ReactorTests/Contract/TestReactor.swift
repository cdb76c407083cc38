import CURing
import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

/// A backend with all that a reactor would put around it, driven by a test step by step.
///
/// Made, used and finished on the test's thread.
final class TestReactor {
  let slab: ConnectionSlab
  let eventDescriptor: Int32
  let backend: any Backend
  let recorder = ContractRecorder()
  /// Connections that have been adopted and not yet reported closed.
  private(set) var openCount = 0
  private var senders: [UInt64: Sender] = [:]
  private var listeners: [(listener: Listener, index: Int)] = []

  init(capacity: Int, make: (Int32, ConnectionSlab) throws -> any Backend) throws {
    slab = ConnectionSlab(capacity: capacity, attachmentByteCount: 0)
    eventDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    backend = try make(eventDescriptor, slab)
    recorder.onSent = { [unowned self] count, connection in
      sender(of: connection)?.completed(count)
    }
    recorder.isAcceptFailureExpected = { [unowned self] _, index in
      (Simulation.current?.faults.failedAccept ?? 0) > 0 && acceptAgain(index)
    }
    recorder.onConnecting = { $0.pointee.lifecycle = .open }
    recorder.onClosed = { [unowned self] connection in
      openCount -= 1
      slab.release(connection)
    }
  }

  /// Runs a test on a backend of a kind, and then checks what holds at the end of every one.
  static func run(
    _ kind: ContractBackend, capacity: Int = 2048, _ body: (TestReactor) throws -> Void
  ) throws {
    try kind.run {
      let reactor = try TestReactor(capacity: capacity) { eventDescriptor, slab in
        try kind.make(eventDescriptor: eventDescriptor, slab: slab)
      }
      defer { reactor.finish() }
      try body(reactor)
    }
  }

  func listen(at address: SocketAddress = .loopback(port: 0), index: Int = 0) throws -> Listener {
    let listener = try Listener.open(address)
    listeners.append((listener, index))
    backend.accept(on: listener.descriptor, index: index)
    return listener
  }

  /// Goes on accepting where it has failed.
  private func acceptAgain(_ index: Int) -> Bool {
    guard let listener = listeners.last(where: { $0.index == index })?.listener else {
      return false
    }
    backend.accept(on: listener.descriptor, index: index)
    return true
  }

  /// Hands a socket to the backend, which receives on it unless told otherwise.
  @discardableResult
  func adopt(_ descriptor: Int32, receiving: Bool = true) throws -> ConnectionPointer {
    let connection = try #require(slab.allocate())
    connection.pointee.descriptor = descriptor
    connection.pointee.lifecycle = .open
    try persistently { try backend.adopt(connection) }
    openCount += 1
    if receiving { backend.receive(on: connection) }
    return connection
  }

  /// Begins to connect, without receiving.
  @discardableResult
  func begin(_ address: SocketAddress) throws -> ConnectionPointer {
    let kernel = try KernelSocketAddress(address)
    let socket = try Socket.open(family: Int32(kernel.storage.ss_family))
    let code = socket.connect(to: address, kernel)
    guard code == 0 || code == EINPROGRESS else { throw SystemError("connect", code: code) }
    return try begin(socket)
  }

  /// Hands a socket to the backend that is connecting, or has connected.
  func begin(_ socket: Socket) throws -> ConnectionPointer {
    let connection = try #require(slab.allocate())
    connection.pointee.descriptor = socket.descriptor
    connection.pointee.lifecycle = .connecting
    try persistently { try backend.connect(connection) }
    openCount += 1
    return connection
  }

  /// Has a backend take a socket over, which a simulated one refuses now and then.
  private func persistently(_ body: () throws -> Void) throws {
    while true {
      do {
        return try body()
      } catch {
        guard Simulation.current != nil, (error as? SystemError)?.code == ENOMEM else {
          throw error
        }
      }
    }
  }

  /// A connection on the backend, and its client's end.
  func connect(
    _ transport: Transport = .tcp, receiving: Bool = true
  ) throws -> (connection: ConnectionPointer, client: Socket) {
    let (server, client) = try transport.makePair()
    return (try adopt(server.descriptor, receiving: receiving), client)
  }

  func close(_ connection: ConnectionPointer, reset: Bool = false) {
    recorder.noteClosing(connection)
    connection.pointee.lifecycle = .closing
    backend.close(connection, reset: reset)
  }

  /// Sends all of `bytes`, as a reactor does: what does not fit follows when the kernel has room.
  @discardableResult
  func send(
    _ bytes: [UInt8], on connection: ConnectionPointer, vectorCount: Int = 1,
    isSynchronous: Bool = false
  ) -> Sender {
    let sender = Sender(
      bytes, on: connection, of: backend, vectorCount: vectorCount, isSynchronous: isSynchronous)
    senders[ContractRecorder.key(connection)] = sender
    sender.start()
    return sender
  }

  func sender(of connection: ConnectionPointer) -> Sender? {
    senders[ContractRecorder.key(connection)]
  }

  func wait(milliseconds: Double = 1) {
    backend.wait(
      WaitBounds(timeoutNanoseconds: Int64(milliseconds * 1e6)), deliverTo: recorder)
  }

  func wake() {
    Self.wake(eventDescriptor)
  }

  /// Waits again and again, and lets the client do its part in between, until the condition holds.
  func run(
    until condition: () -> Bool, client: () -> Void = {}, seconds: Double = 20,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let deadline = MonotonicClock.nowNanoseconds() + Int64(seconds * 1e9)
    while !condition() {
      client()
      wait()
      guard MonotonicClock.nowNanoseconds() < deadline else {
        Issue.record("not within \(seconds) s", sourceLocation: sourceLocation)
        return
      }
    }
  }

  /// Waits a few times: for what must not happen.
  func settle() {
    for _ in 0..<20 { wait(milliseconds: Simulation.current == nil ? 0.5 : 5) }
  }

  /// Closes all that is open, and checks what holds at the end of every test.
  func finish() {
    // No test needs what these would do any more, and a test may have set others.
    recorder.onReceived = nil
    recorder.onReceiveEnded = nil
    recorder.onAccepted = nil
    for index in 0..<8 { backend.stopAccepting(index: index) }
    for (listener, _) in listeners { listener.close() }
    for index in 0..<slab.highWaterCount {
      let connection = slab.record(at: UInt32(index))
      guard [.open, .connecting].contains(connection.pointee.lifecycle) else { continue }
      close(connection)
    }
    run(until: { openCount == 0 })
    settle()
    #expect(recorder.violations == [])
    #expect(recorder.traces.values.allSatisfy { $0.closedCount <= 1 })
    #expect(slab.count == 0)
    backend.tearDown()
    Socket(eventDescriptor).close()
  }
}
