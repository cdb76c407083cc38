import Glibc

/// What is to be sent, from the standard input: lines, or bytes as they come.
struct Input: ~Copyable {
  private let isBinary: Bool
  private var buffer: [UInt8] = []
  /// Of the bytes that have been taken.
  private var start = 0
  /// Of the bytes without a line break in them, which need not be searched again.
  private var searched = 0
  private var hasEnded = false

  init(isBinary: Bool) {
    self.isBinary = isBinary
  }

  /// The next message. Blocks until it is there. Nil: the input has ended.
  mutating func next() -> ArraySlice<UInt8>? {
    while true {
      if !isBinary, let lineBreak = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { (start, searched) = (lineBreak + 1, lineBreak + 1) }
        return buffer[start..<lineBreak]
      }
      searched = buffer.count
      if start < buffer.count, isBinary || hasEnded {
        defer { start = buffer.count }
        return buffer[start...]
      }
      guard !hasEnded else { return nil }
      buffer.removeFirst(start)
      (start, searched) = (0, buffer.count)
      read()
    }
  }

  private mutating func read() {
    let blockByteCount = 65_536
    var block = [UInt8](repeating: 0, count: blockByteCount)
    var count: Int
    repeat {
      count = unsafe block.withUnsafeMutableBytes {
        unsafe Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count)
      }
    } while count < 0 && errno == EINTR
    if count > 0 { buffer += block[..<count] } else { hasEnded = true }
  }
}
