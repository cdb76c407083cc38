import Glibc
import WebSocket

/// A server that does what a test says, and by the letter of RFC 6455 only if that says so. To be used by one thread.
final class ScriptedServer {
  private var descriptor: Int32
  let port: UInt16

  /// Listens on the loopback's IPv4 address, at a port of the kernel's choice unless one is named.
  init(port: UInt16 = 0, backlogCount: Int32 = 128) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw PeerError.failed("socket", code: errno) }
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, [Int32(1)], 4)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, [5, 0], 16)
    let family = withUnsafeBytes(of: UInt16(AF_INET), Array.init)
    var address =
      family + [UInt8(port >> 8), UInt8(port & 255), 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
    var byteCount = socklen_t(16)
    let listener = descriptor
    let isListening = address.withUnsafeMutableBytes {
      let pointer = $0.baseAddress!.assumingMemoryBound(to: sockaddr.self)
      return bind(listener, pointer, 16) == 0 && listen(listener, backlogCount) == 0
        && getsockname(listener, pointer, &byteCount) == 0
    }
    self.port = UInt16(address[2]) << 8 | UInt16(address[3])
    guard isListening else { throw PeerError.failed("listen", code: errno) }
  }

  deinit {
    close()
  }

  var url: String { "ws://127.0.0.1:\(port)/" }

  /// Waits for a client, five seconds.
  func accept() throws -> Peer {
    var client = Glibc.accept(descriptor, nil, nil)
    // A ring that is closed interrupts the thread that made it once more.
    while client < 0, errno == EINTR { client = Glibc.accept(descriptor, nil, nil) }
    guard client >= 0 else {
      throw errno == EAGAIN ? PeerError.timedOut : PeerError.failed("accept", code: errno)
    }
    _ = fcntl(client, F_SETFD, FD_CLOEXEC)
    setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, [Int32(1)], 4)
    return Peer(adopting: client)
  }

  /// Waits for a client and opens the WebSocket with it.
  func open() throws -> Peer {
    let peer = try accept()
    try peer.answerUpgrade()
    return peer
  }

  /// Whether somebody connects within so many milliseconds.
  func isAsked(withinMilliseconds milliseconds: Int32) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var count = Glibc.poll(&poll, 1, milliseconds)
    while count < 0, errno == EINTR { count = Glibc.poll(&poll, 1, milliseconds) }
    return count == 1
  }

  func close() {
    guard descriptor >= 0 else { return }
    _ = Glibc.close(descriptor)
    descriptor = -1
  }
}

/// A request as it came.
struct ReceivedRequest {
  let line: String
  /// Without the request line.
  let fields: [String]

  /// The values of all fields with this name.
  func values(_ name: String) -> [String] {
    fields.filter { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
      .map { String($0.dropFirst(name.count + 2)) }
  }

  /// What the server must answer to the request's key.
  var accept: String {
    let key = values("Sec-WebSocket-Key").first ?? ""
    guard let parsed = HandshakeKey(key.utf8.span.bytes) else { return "" }
    let characters = parsed.accept.characters
    return String(decoding: characters.indices.map { characters[$0] }, as: UTF8.self)
  }

  func response(_ extraFields: [String] = []) -> String {
    let lines =
      [
        "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Accept: \(accept)",
      ] + extraFields
    return lines.joined(separator: "\r\n") + "\r\n\r\n"
  }
}

/// The server's end of a connection.
extension Peer {
  func readRequest() throws -> ReceivedRequest {
    let lines = try readHead().split(separator: "\r\n")
    return ReceivedRequest(line: String(lines[0]), fields: lines.dropFirst().map { String($0) })
  }

  func send(_ text: String) throws {
    try send(Array(text.utf8))
  }

  /// Reads the request and accepts it.
  @discardableResult
  func answerUpgrade() throws -> ReceivedRequest {
    let request = try readRequest()
    try send(request.response())
    return request
  }

  func sendUnmasked(_ frames: Frame...) throws {
    try send(frames.flatMap { $0.bytes(maskingKey: nil) })
  }

  /// The next frame, which must be masked as a client's, and its key.
  func readMaskedFrame() throws -> (frame: Frame, key: [UInt8]) {
    let start = try read(2)
    guard start[1] & 0x80 != 0 else { throw PeerError.malformed("a client's frame is not masked") }
    var length = Int(start[1] & 0x7F)
    if length >= 126 {
      length = try read(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
    }
    let key = try read(4)
    var payload = try read(length)
    payload.withUnsafeMutableBufferPointer { bytes in
      for index in bytes.indices { bytes[index] ^= key[index & 3] }
    }
    let frame = Frame(
      opcode: start[0] & 0x0F, payload: payload, isFinal: start[0] & 0x80 != 0,
      reservedBits: start[0] & 0x70)
    return (frame, key)
  }

  /// As `readMaskedFrame`, without the key.
  func readClientFrame() throws -> Frame { try join { try readMaskedFrame().frame } }

  /// Expects a close frame with this code, answers it, and ends TCP.
  func expectClientClose(_ code: UInt16) throws {
    let frame = try readClientFrame()
    guard frame.closeCode == code else { throw PeerError.malformed("\(frame)") }
    try? sendUnmasked(.close(code))
    finish()
    _ = try? readToEnd()
    close()
  }
}
