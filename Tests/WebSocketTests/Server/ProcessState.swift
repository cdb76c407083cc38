import CProcess
import Glibc

/// What the kernel says of this process.
enum ProcessState {
  /// Descriptors of this process that are connections with this local IPv4 port.
  static func connectedCount(localPort: UInt16) -> Int {
    var address = [UInt8](repeating: 0, count: 128)
    var count = 0
    for descriptor in Int32(0)..<8192 {
      var byteCount = socklen_t(address.count)
      let result = address.withUnsafeMutableBytes {
        let pointer = $0.baseAddress!.assumingMemoryBound(to: sockaddr.self)
        return getsockname(descriptor, pointer, &byteCount)
      }
      guard result == 0, address[0] == UInt8(AF_INET),
        UInt16(address[2]) << 8 | UInt16(address[3]) == localPort
      else { continue }
      var isListening: Int32 = 0
      byteCount = 4
      getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &byteCount)
      if isListening == 0 { count += 1 }
    }
    return count
  }

  /// Whether `residentByteCount` follows what is allocated and freed: not under a sanitizer, which keeps memory to itself.
  static let tellsMemory = dlsym(nil, "__asan_init") == nil && dlsym(nil, "__tsan_init") == nil

  /// Bytes of this process that are in memory, without those that were freed and kept for later.
  static func trimmedByteCount() -> Int {
    process_trim_memory()
    return residentByteCount()
  }

  /// Bytes of this process that are in memory.
  static func residentByteCount() -> Int { byteCount(named: "VmRSS:") }

  private static func byteCount(named name: String) -> Int {
    for line in lines(ofFile: "/proc/self/status") where line.hasPrefix(name) {
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
