import Glibc
import WebSocket

/// What has arrived, on the standard output.
enum Output {
  /// Writes a text as a line, and bytes as they are. Blocks as long as nobody reads: what the server
  /// sends meanwhile waits in the kernel, and then in the server.
  ///
  /// - Returns: whether it could be written.
  static func write(_ message: borrowing IncomingMessage) -> Bool {
    guard write(message.bytes) else { return false }
    guard message.isText else { return true }
    let lineBreak: [1 of UInt8] = [UInt8(ascii: "\n")]
    return unsafe write(lineBreak.span.bytes)
  }

  private static func write(_ bytes: RawSpan) -> Bool {
    unsafe bytes.withUnsafeBytes { bytes in
      var rest = unsafe bytes[...]
      while unsafe !rest.isEmpty {
        let piece = unsafe UnsafeRawBufferPointer(rebasing: rest)
        let count = unsafe Glibc.write(STDOUT_FILENO, piece.baseAddress, piece.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        unsafe rest = rest.dropFirst(count)
      }
      return true
    }
  }
}
