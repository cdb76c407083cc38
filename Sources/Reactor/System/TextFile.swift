internal import CURing
internal import Glibc

/// Small files of text, such as those in /proc and /sys.
enum TextFile {
  /// The first `byteCountMax` bytes of a file, or nil when it cannot be read.
  static func read(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { _ = close(descriptor) }
    var bytes: [UInt8] = []
    while bytes.count < byteCountMax {
      var piece = [UInt8](repeating: 0, count: 16 * 1024)
      let count = unsafe Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes += piece[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let byteCountMax = 1024 * 1024
}
