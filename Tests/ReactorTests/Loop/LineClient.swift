import CURing
import Glibc

@testable import Reactor

/// A client of the line server. Everything gives up after five seconds.
///
/// One thread may send while another one reads.
final class LineClient: @unchecked Sendable {
  let descriptor: Int32
  private let kernelAddress: KernelSocketAddress
  private var unread: [UInt8] = []
  private var isClosed = false

  /// How the server ended the connection.
  enum End: Equatable {
    case finished, reset, stillOpen
  }

  convenience init(_ address: SocketAddress) throws {
    try self.init(unconnectedFor: address)
    try connect()
  }

  /// A socket that is not connected yet.
  init(unconnectedFor address: SocketAddress) throws {
    kernelAddress = try KernelSocketAddress(address)
    let socket = try Socket.open(family: Int32(kernelAddress.storage.ss_family))
    descriptor = socket.descriptor
    _ = fcntl(descriptor, F_SETFL, 0)
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  func connect() throws {
    guard kernelAddress.withPointer({ Glibc.connect(descriptor, $0, $1) }) != 0 else { return }
    let error = SystemError.current("connect")
    guard error.code == EINTR else { throw error }
    // It goes on by itself (connect(2)).
    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    while Glibc.poll(&poll, 1, 5000) < 0, errno == EINTR {}
    _ = try Socket(descriptor).peerAddress()
  }

  deinit {
    if !isClosed { Glibc.close(descriptor) }
  }

  /// Sends a line and returns the next one that comes. Nil: none has.
  func ask(_ line: String) -> String? {
    tell(line)
    return readLine()
  }

  func tell(_ line: String) {
    send(Array("\(line)\n".utf8))
  }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  func readLine() -> String? {
    while true {
      if let end = unread.firstIndex(of: 10) {
        defer { unread.removeSubrange(...end) }
        return String(decoding: unread[..<end], as: UTF8.self)
      }
      guard receive() > 0 else { return nil }
    }
  }

  /// So many bytes, or as many as come.
  func read(_ byteCount: Int) -> String {
    while unread.count < byteCount, receive() > 0 {}
    let count = min(byteCount, unread.count)
    defer { unread.removeFirst(count) }
    return String(decoding: unread[..<count], as: UTF8.self)
  }

  /// Reads to the end, and says how it was.
  func readToEnd() -> End {
    while true {
      let count = receive()
      if count > 0 { continue }
      if count == 0 { return .finished }
      return errno == ECONNRESET ? .reset : .stillOpen
    }
  }

  func finishSending() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Ends the connection by RST.
  func reset() {
    Socket(descriptor).resetAtClose()
    close()
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    Glibc.close(descriptor)
  }

  var localAddress: SocketAddress? { try? Socket(descriptor).localAddress() }

  /// Bytes that have come and were not read: never blocks.
  var availableByteCount: Int {
    var buffer = [UInt8](repeating: 0, count: 65536)
    return max(0, recv(descriptor, &buffer, buffer.count, Int32(MSG_PEEK | MSG_DONTWAIT)))
  }

  private func receive() -> Int {
    var buffer = [UInt8](repeating: 0, count: 65536)
    var count = 0
    // A closed ring interrupts the thread that made it once more, when the kernel clears up behind it.
    repeat { count = recv(descriptor, &buffer, buffer.count, 0) } while count < 0 && errno == EINTR
    if count > 0 { unread += buffer[..<count] }
    return count
  }
}

/// Lets others run.
enum Pause {
  static func milliseconds(_ count: UInt32) {
    usleep(count * 1000)
  }
}
