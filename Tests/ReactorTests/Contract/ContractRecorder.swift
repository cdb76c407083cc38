import Glibc

@testable import Reactor
@testable import ReactorSimulation

/// Notes what a backend reports, and whether it keeps to the contract while doing so.
final class ContractRecorder: CompletionReceiver {
  /// What has happened to one connection.
  struct Trace {
    var bytes: [UInt8] = []
    var receivedCount = 0
    var ends: [Int32] = []
    var sendFailures: [Int32] = []
    /// What `connected` has said, each time.
    var connected: [Int32] = []
    /// Answers to `examine`.
    var examined: [SocketBytes] = []
    var closedCount = 0
    /// The test has closed it.
    var isClosing = false
  }

  /// By slot and generation: a slot used again is another connection.
  private(set) var traces: [UInt64: Trace] = [:]
  private(set) var accepted: [(descriptor: Int32, listener: Int)] = []
  private(set) var acceptFailures: [Int32] = []
  /// What the contract forbids, in words.
  private(set) var violations: [String] = []
  /// Reports so far, of any kind.
  private(set) var reportCount = 0

  var onAccepted: ((Int32) -> Void)?
  /// Whether the test has brought a failure to accept about, and does not want to hear of it.
  var isAcceptFailureExpected: ((Int32, Int) -> Bool)?
  /// What the reactor does when a socket has connected.
  var onConnecting: ((ConnectionPointer) -> Void)?
  var onConnected: ((ConnectionPointer) -> Void)?
  var onReceived: ((ConnectionPointer) -> Void)?
  var onReceiveEnded: ((ConnectionPointer) -> Void)?
  var onSent: ((Int, ConnectionPointer) -> Void)?
  var onClosed: ((ConnectionPointer) -> Void)?

  func accepted(_ descriptor: Int32, listener: Int) {
    reportCount += 1
    let isSimulated = Socket(descriptor).simulated != nil
    if !isSimulated, fcntl(descriptor, F_GETFL) & O_NONBLOCK == 0 {
      violations.append("accepted a blocking socket")
    }
    if !isSimulated, fcntl(descriptor, F_GETFD) & FD_CLOEXEC == 0 {
      violations.append("accepted without CLOEXEC")
    }
    accepted.append((descriptor, listener))
    onAccepted?(descriptor)
  }

  func acceptFailed(_ code: Int32, listener: Int) {
    reportCount += 1
    if isAcceptFailureExpected?(code, listener) == true { return }
    acceptFailures.append(code)
  }

  func connected(_ code: Int32, on connection: ConnectionPointer) {
    note("connected", on: connection) { trace in
      if !trace.connected.isEmpty { violations.append("connected twice") }
      trace.connected.append(code)
    }
    if code == 0 { onConnecting?(connection) }
    onConnected?(connection)
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
    note("received", on: connection) { trace in
      if bytes.isEmpty { violations.append("received nothing") }
      if !trace.ends.isEmpty { violations.append("received after the end") }
      trace.receivedCount += 1
      trace.bytes.append(contentsOf: bytes)
    }
    guard let start = bytes.baseAddress else { return }
    // All of it may be written to, and none of it may show up in what is received later.
    memset(start - Reactor.receiveHeadroom, 0xEE, Reactor.receiveHeadroom + bytes.count)
    onReceived?(connection)
  }

  func receiveEnded(_ code: Int32, on connection: ConnectionPointer) {
    note("receiveEnded", on: connection) { trace in
      if !trace.ends.isEmpty { violations.append("receiving ended twice") }
      trace.ends.append(code)
    }
    onReceiveEnded?(connection)
  }

  func examined(_ bytes: SocketBytes, on connection: ConnectionPointer) {
    note("examined", on: connection) { $0.examined.append(bytes) }
  }

  func sent(_ byteCount: Int, on connection: ConnectionPointer) {
    note("sent", on: connection) { _ in }
    onSent?(byteCount, connection)
  }

  func sendFailed(_ code: Int32, on connection: ConnectionPointer) {
    note("sendFailed", on: connection) { $0.sendFailures.append(code) }
  }

  func closed(_ connection: ConnectionPointer) {
    reportCount += 1
    let key = Self.key(connection)
    traces[key, default: Trace()].closedCount += 1
    if traces[key]?.isClosing != true { violations.append("closed without having been told to") }
    onClosed?(connection)
  }

  func trace(_ connection: ConnectionPointer) -> Trace {
    traces[Self.key(connection), default: Trace()]
  }

  func trace(key: UInt64) -> Trace {
    traces[key, default: Trace()]
  }

  func noteClosing(_ connection: ConnectionPointer) {
    traces[Self.key(connection), default: Trace()].isClosing = true
  }

  func noteViolation(_ text: String) {
    violations.append(text)
  }

  static func key(_ connection: ConnectionPointer) -> UInt64 {
    UInt64(connection.pointee.index) << 32 | UInt64(connection.pointee.generation)
  }

  private func note(
    _ event: String, on connection: ConnectionPointer, _ change: (inout Trace) -> Void
  ) {
    reportCount += 1
    let key = Self.key(connection)
    var trace = traces.removeValue(forKey: key) ?? Trace()
    if trace.isClosing { violations.append("\(event) after close") }
    if connection.pointee.generation & 1 == 0 { violations.append("\(event) on a free record") }
    change(&trace)
    traces[key] = trace
  }
}
