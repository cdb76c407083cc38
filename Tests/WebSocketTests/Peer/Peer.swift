import Glibc
import WebSocket

/// What goes wrong for a peer.
enum PeerError: Error, Equatable {
  /// Nothing has come, or could be sent, for five seconds, or what was set.
  case timedOut
  /// The server has sent FIN where more was expected.
  case ended
  /// The server has sent RST, or the kernel for it.
  case reset
  case failed(String, code: Int32)
  /// What came is no WebSocket frame or HTTP response.
  case malformed(String)
}

/// The other end of a connection: a blocking socket that sends any bytes. To be used by one thread at a time.
final class Peer {
  private(set) var descriptor: Int32
  /// What has come and was not asked for yet is [position, end).
  private var received: [UInt8] = []
  private var position = 0
  /// Control frames that came among the fragments of a message.
  private var interjected: [Frame] = []

  /// Connects to the loopback's IPv4 address. A small receive buffer makes a peer that does not read felt soon.
  init(port: UInt16, receiveBufferByteCount: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw PeerError.failed("socket", code: errno) }
    if let receiveBufferByteCount {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, [receiveBufferByteCount], 4)
    }
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, [Int32(1)], 4)
    setTimeout(seconds: 5)
    // A sockaddr_in by its bytes: family in the machine's order, port and address in the network's.
    let family = withUnsafeBytes(of: UInt16(AF_INET), Array.init)
    let address =
      family + [UInt8(port >> 8), UInt8(port & 255), 127, 0, 0, 1]
      + [UInt8](
        repeating: 0, count: 8)
    let result = address.withUnsafeBytes {
      connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), 16)
    }
    guard result == 0 else {
      let code = errno
      close()
      throw PeerError.failed("connect", code: code)
    }
  }

  /// Connects to a Unix socket with a name in the abstract namespace.
  init(unixAbstract name: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw PeerError.failed("socket", code: errno) }
    setTimeout(seconds: 5)
    let address = withUnsafeBytes(of: UInt16(AF_UNIX), Array.init) + [0] + Array(name.utf8)
    let result = address.withUnsafeBytes {
      connect(
        descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard result == 0 else { throw PeerError.failed("connect", code: errno) }
  }

  /// Takes over a connected blocking socket: of a server's own, for a client.
  init(adopting descriptor: Int32) {
    self.descriptor = descriptor
    setTimeout(seconds: 5)
  }

  deinit {
    close()
  }

  /// How long it waits for the server: five seconds unless this says otherwise.
  func setTimeout(seconds: Int) {
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, [seconds, 0], 16)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, [seconds, 0], 16)
  }

  // MARK: Sending

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.error("send")
      }
      sent += count
    }
  }

  func send(_ frames: Frame...) throws {
    try send(frames.flatMap { $0.bytes() })
  }

  /// Sends in pieces of so many bytes, each in a segment of its own as far as the kernel goes along.
  func send(_ bytes: [UInt8], inPiecesOf byteCount: Int) throws {
    for start in stride(from: 0, to: bytes.count, by: byteCount) {
      try send(Array(bytes[start..<min(start + byteCount, bytes.count)]))
    }
  }

  /// Sends what the kernel takes at once. Returns how many bytes.
  func trySend(_ bytes: [UInt8]) throws -> Int {
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    let count = Glibc.send(descriptor, bytes, bytes.count, flags)
    if count >= 0 { return count }
    if errno == EAGAIN { return 0 }
    throw Self.error("send")
  }

  // MARK: Receiving

  /// Bytes that have come and were not asked for yet.
  var bufferedByteCount: Int { received.count - position }

  func read(_ byteCount: Int) throws -> [UInt8] {
    while bufferedByteCount < byteCount {
      guard try receiveMore(byteCount) else { throw PeerError.ended }
    }
    defer { position += byteCount }
    return Array(received[position..<position + byteCount])
  }

  /// The next frame. A long message, which is sent in fragments of 256 KiB, is put together to one; control frames among
  /// them come after it.
  func readFrame() throws -> Frame {
    try join { try readRawFrame() }
  }

  /// Puts the fragments of a long message together.
  func join(_ readFrame: () throws -> Frame) throws -> Frame {
    guard interjected.isEmpty else { return interjected.removeFirst() }
    var frame = try readFrame()
    guard !frame.isFinal, frame.payload.count == 256 << 10 else { return frame }
    while !frame.isFinal {
      let next = try readFrame()
      if next.opcode >= 8 {
        interjected.append(next)
      } else if next.opcode == 0 {
        frame.payload += next.payload
        frame.isFinal = next.isFinal
      } else {
        throw PeerError.malformed("a message among the fragments of another one")
      }
    }
    return frame
  }

  /// The next frame as it was sent, checked to be one that a server may send.
  func readRawFrame() throws -> Frame {
    let start = try read(2)
    guard start[1] & 0x80 == 0 else { throw PeerError.malformed("masked frame from a server") }
    var length = Int(start[1])
    if length >= 126 {
      length = try read(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
    }
    return Frame(
      opcode: start[0] & 0x0F, payload: try read(length), isFinal: start[0] & 0x80 != 0,
      reservedBits: start[0] & 0x70)
  }

  /// The next frame, as of a peer that rests after each so many bytes.
  func readFrame(pausingAfter byteCount: Int, milliseconds: UInt32) throws -> Frame {
    let start = try read(2)
    var length = Int(start[1])
    if length >= 126 {
      length = try read(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
    }
    var payload: [UInt8] = []
    while payload.count < length {
      payload += try read(min(byteCount, length - payload.count))
      usleep(milliseconds * 1000)
    }
    return Frame(
      opcode: start[0] & 0x0F, payload: payload, isFinal: start[0] & 0x80 != 0,
      reservedBits: start[0] & 0x70)
  }

  /// What comes next, at most so many bytes. Nil: FIN.
  func readPiece(_ byteCount: Int) throws -> [UInt8]? {
    if bufferedByteCount == 0, try !receiveMore(byteCount) { return nil }
    return try read(min(byteCount, bufferedByteCount))
  }

  /// Whether FIN comes next, and nothing before it. Waits for it.
  func readsEnd() throws -> Bool {
    guard bufferedByteCount == 0 else { return false }
    return try !receiveMore()
  }

  /// All that comes until FIN.
  func readToEnd() throws -> [UInt8] {
    while try receiveMore() {}
    return try read(bufferedByteCount)
  }

  /// The head of an HTTP response, with the empty line.
  func readHead() throws -> String {
    while true {
      let rest = received[position...]
      let end = rest.indices.dropLast(3).first { rest[$0...].starts(with: "\r\n\r\n".utf8) }
      if let end { return String(decoding: try read(end + 4 - position), as: UTF8.self) }
      guard try receiveMore() else { throw PeerError.ended }
    }
  }

  /// Takes in what comes next. False: FIN.
  private func receiveMore(_ mostByteCount: Int = 64 << 10) throws -> Bool {
    received.removeFirst(position)
    position = 0
    let capacity = min(max(mostByteCount, 4096), 64 << 10)
    let chunk = try [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      var result = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      while result < 0, errno == EINTR {
        result = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      }
      guard result >= 0 else { throw Self.error("recv") }
      count = result
    }
    received += chunk
    return !chunk.isEmpty
  }

  // MARK: Ending

  /// Sends FIN. Receiving goes on.
  func finish() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Sends RST.
  func reset() {
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, [Int32(1), 0], 8)
    close()
  }

  func close() {
    guard descriptor >= 0 else { return }
    _ = Glibc.close(descriptor)
    descriptor = -1
  }

  private static func error(_ operation: String) -> PeerError {
    switch errno {
    case EAGAIN: .timedOut
    case ECONNRESET, EPIPE: .reset
    case let code: .failed(operation, code: code)
    }
  }
}
