import CURing
import Glibc

@testable import Reactor

/// A backend with its slab, and peers on loopback.
final class Bench {
  let backend: IOURingBackend
  let slab: ConnectionSlab
  let recorder = Recorder()
  let eventDescriptor: Int32
  private var peers: [Int32] = []

  init(_ configuration: IOURingConfiguration = .init(), capacity: Int = 4096) throws {
    slab = ConnectionSlab(capacity: capacity, attachmentByteCount: 0)
    eventDescriptor = eventfd(0, Int32(O_NONBLOCK | O_CLOEXEC))
    backend = try IOURingBackend(
      configuration: configuration, eventDescriptor: eventDescriptor, slab: slab)
    recorder.onClosed = { [slab] in slab.release($0) }
  }

  deinit {
    backend.tearDown()
    for peer in peers { Glibc.close(peer) }
    Glibc.close(eventDescriptor)
  }

  /// One pass, that blocks for at most so long.
  func wait(milliseconds: Int64 = 0) {
    backend.wait(
      WaitBounds(timeoutNanoseconds: milliseconds * 1_000_000), deliverTo: recorder)
  }

  /// Passes until something holds, for a second at most.
  @discardableResult
  func wait(until holds: () -> Bool) -> Bool {
    let start = ContinuousClock.now
    while !holds() {
      guard ContinuousClock.now - start < .seconds(5) else { return false }
      wait(milliseconds: 10)
    }
    return true
  }

  /// An adopted connection and its blocking peer.
  func connect(receives: Bool = true) throws -> (ConnectionPointer, peer: Int32) {
    let pair = TCPPair()
    let connection = slab.allocate()!
    connection.pointee.descriptor = pair.accepted
    try backend.adopt(connection)
    if receives { backend.receive(on: connection) }
    peers.append(pair.connected)
    return (connection, pair.connected)
  }

  /// Sends bytes that live until the bench's end of the send.
  func send(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) -> SendStart {
    var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
    return withUnsafeMutablePointer(to: &vector) {
      backend.send(
        SendBatch(
          vectors: UnsafeMutableBufferPointer(start: $0, count: 1), byteCount: bytes.count),
        on: connection)
    }
  }

  func closePeer(_ peer: Int32) {
    peers.removeAll { $0 == peer }
    Glibc.close(peer)
  }
}

/// Two ends of a connection over loopback: the accepted one does not block, the other one does.
struct TCPPair {
  let accepted: Int32
  let connected: Int32

  init() {
    let listener = TCPListener()
    connected = listener.connect()
    accepted = Glibc.accept(listener.descriptor, nil, nil)
    _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    precondition(accepted >= 0 && connected >= 0)
    Glibc.close(listener.descriptor)
  }
}

/// A listening socket on a free port of loopback.
struct TCPListener {
  let descriptor: Int32
  private var address = sockaddr_in()

  init(backlog: Int32 = 512) {
    descriptor = socket(
      AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) | listen(descriptor, backlog)
          | getsockname(descriptor, $0, &size)
      }
    }
    precondition(bound == 0)
  }

  /// A blocking connection that gives up after five seconds.
  func connect() -> Int32 {
    let peer = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = address
    let connected = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(peer, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    return connected == 0 ? peer : -1
  }
}

/// Blocks until so many bytes have come, the connection has ended, or five seconds are over.
func readAll(_ descriptor: Int32, count: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  var filled = 0
  while filled < count {
    let read = bytes.withUnsafeMutableBytes {
      recv(descriptor, $0.baseAddress! + filled, count - filled, 0)
    }
    guard read > 0 else { break }
    filled += read
  }
  return Array(bytes[..<filled])
}

func write(_ descriptor: Int32, _ bytes: [UInt8]) {
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes {
      Glibc.send(
        descriptor, $0.baseAddress! + written, bytes.count - written, Int32(MSG_NOSIGNAL))
    }
    guard count > 0 else { return }
    written += count
  }
}

/// Bytes that show where they stand: they repeat only after a prime number of them.
func pattern(_ count: Int) -> [UInt8] {
  let period = (0..<4099).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + period.count)
  while bytes.count < count { bytes += period }
  bytes.removeLast(bytes.count - count)
  return bytes
}

/// Stands for many bytes, so that a failed expectation does not print them all.
func digest(_ bytes: [UInt8]?) -> String {
  guard let bytes else { return "none" }
  var hasher = Hasher()
  bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  return "\(bytes.count) bytes, \(hasher.finalize())"
}

/// Reads on a thread of its own.
final class Reader: @unchecked Sendable {
  private var thread = pthread_t()
  private let descriptor: Int32
  private let count: Int
  private var result: [UInt8] = []

  init(_ descriptor: Int32, count: Int) {
    self.descriptor = descriptor
    self.count = count
    let context = Unmanaged.passRetained(self).toOpaque()
    pthread_create(
      &thread, nil,
      { context in
        let reader = Unmanaged<Reader>.fromOpaque(context!).takeRetainedValue()
        reader.result = readAll(reader.descriptor, count: reader.count)
        return nil
      }, context)
  }

  func bytes() -> [UInt8] {
    pthread_join(thread, nil)
    return result
  }
}

/// Descriptors that the process has open.
func openDescriptorCount() -> Int {
  let directory = opendir("/proc/self/fd")!
  defer { closedir(directory) }
  var count = 0
  while readdir(directory) != nil { count += 1 }
  return count
}
