import Glibc

/// What the kernel says of this machine's TCP sockets.
enum OpenSockets {
  /// Connections with this local IPv4 port that some process still holds: their inode is not 0. Those that the kernel keeps
  /// for itself, such as in TIME_WAIT, do not count.
  static func connectedCount(localPort: UInt16) -> Int {
    let listening: Substring = "0A"
    return lines(ofFile: "/proc/self/net/tcp").dropFirst().count { line in
      let fields = line.split(separator: " ")
      guard fields.count > 9, let colon = fields[1].lastIndex(of: ":") else { return false }
      let port = UInt16(fields[1][fields[1].index(after: colon)...], radix: 16)
      return port == localPort && fields[3] != listening && fields[9] != "0"
    }
  }

  /// Bytes of this process that are in memory.
  static func residentByteCount() -> Int {
    for line in lines(ofFile: "/proc/self/status") where line.hasPrefix("VmRSS:") {
      let fields = line.split { $0 == " " || $0 == "\t" }
      return fields.count > 1 ? (Int(fields[1]) ?? 0) << 10 : 0
    }
    return 0
  }

  private static func lines(ofFile path: String) -> [Substring] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      guard count > 0 else { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }
}
